"""All benchmarks, one after the other."""

from benchmarks import coconv, mssar, multiception

for benchmark in (coconv, mssar, multiception):
    benchmark.main()
