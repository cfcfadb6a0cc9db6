"""What is learnt from: `dataset` (inputs with their targets), and `preprocessing`."""
