"""Exports of compiled functions: C, NumPy text, JAX, SymPy and LaTeX, all from the rows that run here."""
