"""Modules with parameters: `module`, then `layers`, `activations`, `convolution`, `recurrent`; and the `losses`.

A loss is computed from `loss_terms`; `loss_rules` say how texts write it.

`parameters` lets weights be read and set as vectors and matrices.
"""
