"""What the results say: comparisons, tables, figures and reports."""
