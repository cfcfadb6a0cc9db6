"""What `network_picture` is made of, in this order.

`network_units` says which units and weights are shown and what is written at them, `network_layout` where each stands,
`network_svg` writes that.
"""
