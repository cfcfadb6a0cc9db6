"""Modules with parameters: `module`, then `layers`, `activations`, `convolution`, `recurrent`; and the `losses`.

A loss is computed by `losses` from the terms in `loss_terms`; `loss_rules` have its textbook formulas, for pictures.
`parameters` lets weights be read and set as vectors and matrices.
"""
