"""What teachers use: `exercises` with answers that the library computes, `grading`, and `derivations`, line by line.

Derivations are put down by `writing`.
"""
