"""All benchmarks but `engine` and `allocator`, which start processes, one after the other."""

from importlib import import_module

NAMES = "coconv mssar multiception networks pricing input_pipeline decoding epochs switchable"

for name in NAMES.split():
    import_module(f"benchmarks.{name}").main()
