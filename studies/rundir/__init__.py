"""The run directory: what was asked, what is done, and how both are read."""
