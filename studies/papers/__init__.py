"""The papers' printed tables and studies as data, one folder for each paper."""
