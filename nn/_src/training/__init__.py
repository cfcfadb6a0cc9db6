"""Training: `loop` has `fit`; `optimizer` is the base class of the `optimizers`.

A `task` is a model with its loss. A `training_run` takes steps on graphs, or by `compiled_steps` if `side_effects`
finds nothing that a compiled program would lose. `case_programs` compiles the model at one case, `ways` lead from
there to the gradient of the loss, `choose_way` tries them against graphs, and `steps_in_code` runs many steps in one
native call, on cases in the `order` of the epoch. `clipping`, `stopping`, `history` and `progress` serve the loop;
`second_order` trains by Hessian-vector products.
"""
