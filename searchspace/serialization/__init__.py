"""Files and their formats: read with one sentence for whatever is wrong, written in one piece."""
