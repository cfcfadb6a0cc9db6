"""Helpers for the other packages: checks of arguments, files of parameters, tables, figures."""
