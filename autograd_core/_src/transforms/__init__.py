"""Derivatives as functions: `functional` has `grad` and other transforms; `recorded` differentiates recorded graphs."""
