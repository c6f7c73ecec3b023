"""Every printed cost beside ours, counted by each paper's convention and by our own."""
