"""All benchmarks but `engine` and `allocator`, which start processes, one after the other."""

from benchmarks import (
    coconv,
    epochs,
    input_pipeline,
    mssar,
    multiception,
    networks,
    pricing,
    switchable,
)

for benchmark in (
    coconv,
    mssar,
    multiception,
    networks,
    pricing,
    input_pipeline,
    epochs,
    switchable,
):
    benchmark.main()
