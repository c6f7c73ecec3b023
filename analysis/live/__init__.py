"""Pages of runs that change while the runs go on."""
