"""Costs over a space: terms measured once, tables that price rows, and networks within limits."""
