"""The papers' studies as data, one folder for each paper."""
