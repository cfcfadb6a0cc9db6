"""The stages of `network_picture`, in order.

`network_units` lists the units and weights and their texts, `network_layout` places them, `network_svg` writes the SVG.
"""
