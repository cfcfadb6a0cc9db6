"""How good a model is: `accuracy` says which predictions are right, `evaluation` counts them."""
