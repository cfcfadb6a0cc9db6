"""Random programs: `bytecode` is what Hypothesis draws, `programs` runs, prints and shrinks them.

`definitions` prints primitives that no module defines.
"""
