"""What a network does, read off the graphs that it builds.

`forward_pass` finds layers, which `layers_by_name` holds, `units` their units. `error_signals` (`signal_formulas`),
`backward_pass`, `layer_jacobians` (each a `labelled_jacobian`; bare matrices in `matrix_chains`), `attenuation` and
`through_time` follow gradients through them; `regularised_cost` and `closed_form` are gradients to hold beside.
`diagnostics` tells what is the matter with a model, as a `diagnosis`; `target_checks` look at targets alone, `plateau`
at where descent comes to rest.
"""
