"""Fourth stage: from a program to code for a target, all from the same entries of the table.

`llvm` makes machine code in this process. The other files export: `c`, `javascript_module` (`braces` is what both
have in common) and `numpy_source` write the same structure in three languages, out of stages of loops
(`program_stages`), the parts of a file (`sources`) and single statements (`number_systems/languages`). `jax`
computes a program group by group (`levels`), `sympy` makes expressions, `latex` equations; `description` names
the arguments.
"""
