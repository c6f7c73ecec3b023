"""Operators timed side by side with their definitions in plain layers."""
