"""How a network learns from a batch: loss, optimiser, averaging, quantisation."""
