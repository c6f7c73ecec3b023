"""Our forms timed side by side with plain ones that compute the same."""
