"""From a program to machine code, in the process that runs it.

`accumulation` is the line of reverse mode. `kernel` writes a whole program as straight-line code over lanes of
examples, in strips (`strip_mining`), with sums over the batch as matrix products (`outer_products`). `execution_plan`
runs a large program at a single point: its repeats as `loops`, the rest by the `vm`. `jit` compiles, and
`object_cache` keeps on disk what was compiled.
"""
