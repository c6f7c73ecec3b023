"""Runs as tables: what the statistics and sections read."""
