"""The notebooks: their templates, outputs and stored runs."""
