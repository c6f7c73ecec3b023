"""Samplers, which propose the architectures of a search: Optuna's by name, and our own."""
