"""From a program to machine code, in the process that runs it.

`accumulation` writes reverse mode's *adjoint += local derivative × adjoint*. `kernel` writes a whole program as
straight-line code over lanes of examples, in strips (`strip_mining`), with sums over the batch as matrix
products (`outer_products`). `execution_plan` runs a large program at a single point: its repeats as `loops`,
the rest by the interpreter (`vm`). `jit` compiles, and `object_cache` keeps object code on disk.
"""
