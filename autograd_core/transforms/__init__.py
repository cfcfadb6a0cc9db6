"""Derivatives as functions: `functional` has `grad` and its kin; `recorded` differentiates a graph that is there."""
