"""Modules with parameters: `module`, then `layers`, `activations`, `convolution`, `recurrent`; and the `losses`.

`parameters` lets weights be read and set as vectors and matrices.
"""
