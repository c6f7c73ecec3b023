"""Searchers compared on tables of trained networks, without training."""
