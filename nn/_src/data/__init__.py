"""Training data: `dataset` (inputs with their targets), and `preprocessing`."""
