"""How parameters are learnt: `optimizers` (each an `optimizer`), and `loop`, which is `fit`.

`task` says what is to be learnt. `loop` runs a step on graphs, or hands it to `compiled_steps` where `side_effects`
sees nothing that a program would lose: `case_programs` and `ways` come to a gradient, `choose_way` tries them, and
`steps_in_code` takes many steps in one call, on cases in the `order` of the epoch. `clipping`, `stopping`, `history`
and `progress` are what it calls on the way; `second_order` trains by Hessians.
"""
