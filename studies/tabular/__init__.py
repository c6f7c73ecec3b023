"""Tabular benchmark: searchers compared on tables of trained networks, without training."""
