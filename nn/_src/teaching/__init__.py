"""What teachers use: `exercises` with answers that the library computes, `grading`, and `derivations`, line by line.

A derivation's lines come from `derivation_lines`, which takes slopes from `slopes` and the rules that it names from
`reasons`; `writing` puts both down. `softmax_entry` is the one of a softmax. `forward_formulas` and `matrix_formulas`
write a pass unit by unit and layer by layer; `network_picture` draws a network by its units and weights (`networks`).
"""
