"""What a check is asked: a function, its arguments as flat lists, and what the user gives to be judged.

`flat` takes arguments of any array library apart, `inputs` says which are differentiated to, `drawn_trees` draws more
of their kind. `function` calls with an eye on side effects. `given` and `jacobians` hold a derivative that a user
gives, `peers` that of torch or jax, `supplied` says which it is; `batches` and `complex_parts` reduce to real single
examples.
"""
