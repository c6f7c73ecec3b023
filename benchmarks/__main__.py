"""All benchmarks, one after the other."""

from benchmarks import coconv, mssar, multiception, pricing

for benchmark in (coconv, mssar, multiception, pricing):
    benchmark.main()
