"""From a program to what runs it: one emitter for each target, all from the same entries of the table.

Machine code in this process is `llvm`. Exports: `c` and `numpy_source` write the same text in two languages: what a
program is as stages of loops (`program_stages`), the parts of a file (`sources`), single lines (`statements`). `jax`
computes a program by groups (`levels`), `sympy` as expressions, `latex` as equations; `description` names arguments.
"""
