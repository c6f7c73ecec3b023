"""Which network of a run to take, and how sure that choice is."""
