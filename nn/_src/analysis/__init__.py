"""What a network computes, read off the graphs that it builds.

`forward_pass` finds layers, which `layers_by_name` holds, and `units` their units. `error_signals`
(`signal_formulas`), `backward_pass`, `layer_jacobians` (each a `labelled_jacobian`; bare matrices in
`matrix_chains`), `attenuation` and `through_time` follow gradients through them; `regularised_cost` and
`closed_form` give gradients to compare with. `diagnostics` finds problems of a model, as a `diagnosis`;
`target_checks` examines targets alone, `plateau` the points where descent comes to rest.
"""
