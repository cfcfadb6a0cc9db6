"""Programs drawn at random: `bytecode` is what Hypothesis draws, `programs` what runs, is printed and made smaller.

`definitions` prints primitives that no module holds.
"""
