"""From a program to machine code, in the process that runs it.

`accumulation` writes reverse mode's *adjoint += local derivative × adjoint*, `straight_line` a program's
instructions, `wide_nodes` those of many operands (by `wide_rules`, which read a rule once for all of them). `kernel`
makes of a whole program one function over lanes of examples, in strips (`strip_mining`), with sums over the batch as
matrix products (`outer_products`); `rolled_kernel` writes long ones with loops (`segments` finds them, `segment_code`
writes them). `execution_plan` runs a large program at a single point: its repeats as `loops` over what `loop_body`
describes, the rest by the interpreter (`vm`, with `vm_tables`, `vm_places` and `vm_code`). `jit` compiles, and
`object_cache` keeps object code on disk.
"""
