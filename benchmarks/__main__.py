"""All benchmarks but `engine` and `allocator`, which start processes, one after the other."""

from benchmarks import coconv, input_pipeline, mssar, multiception, networks, pricing, training

for benchmark in (coconv, mssar, multiception, networks, pricing, input_pipeline, training):
    benchmark.main()
