"""Tests of claims on paired differences: decided or not, with fixed seeds and seed by seed."""
