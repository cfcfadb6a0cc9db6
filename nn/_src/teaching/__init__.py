"""Teaching material: `exercises` with answers that the library computes, their `grading`, and `derivations` by hand.

A derivation splits a graph into paths (`derivation_paths`), takes local derivatives from `slopes` and the rules' names
from `reasons`, lays out each line (`derivation_lines`, `lines`) and writes nodes by their labels (`writing`).
`softmax_entry` derives the Jacobian of a softmax. `forward_formulas` and `matrix_formulas` write a pass unit by unit
and layer by layer; `network_picture` draws a network as units and weights (`networks`).
"""
