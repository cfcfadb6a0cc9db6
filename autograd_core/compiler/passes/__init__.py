"""From a program to a program, or to what is known of it.

`differentiate` gives programs of Jacobians, Hessians and products; `find_repeats` the equal copies within a program;
`loop_fission` an order in which more of it runs in loops; `batch_invariant` the part that is the same for all examples.
"""
