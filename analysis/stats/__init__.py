"""Statistics: comparisons, verdicts, fronts' certainty, hypervolume, importance."""
