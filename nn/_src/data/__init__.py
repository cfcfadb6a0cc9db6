"""Training data: `dataset` (inputs with their targets), and what is `learnt` of columns: `scaling`, and `nominal`."""
