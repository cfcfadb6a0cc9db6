"""What teachers use: `exercises` with answers that the library computes, `grading`, and `derivations`, line by line.

A derivation takes slopes from `slopes`, the rules that it names from `reasons`; `writing` puts both down.
`network_picture` draws a network by its units and weights.
"""
