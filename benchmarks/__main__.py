"""All benchmarks, one after the other."""

from benchmarks import coconv, input_pipeline, mssar, multiception, training

for benchmark in (coconv, input_pipeline, mssar, multiception, training):
    benchmark.main()
