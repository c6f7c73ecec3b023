"""All benchmarks, one after the other."""

from benchmarks import coconv, input_pipeline, mssar, multiception, pricing, training

for benchmark in (coconv, input_pipeline, mssar, multiception, pricing, training):
    benchmark.main()
