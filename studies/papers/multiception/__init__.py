"""Multiception: its printed tables, protocol and studies."""
