"""How results are drawn and written: tables, figures, pages, files."""
