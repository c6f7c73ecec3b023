"""The command line of studies and searches: commands, plans shown before training, progress."""
