"""The input of a check: a function, its arguments as flat lists, and the derivative that a user passes.

`flat` flattens arguments of any array library, `inputs` selects those that are differentiated, `drawn_trees`
draws similar ones. `function` calls the function and detects side effects. `given` and `jacobians` hold a
derivative that was passed, `peers` that of torch or jax, `supplied` decides between them; `batches` and
`complex_parts` reduce a check to real single examples.
"""
