"""Passes: from a program to another program, or to facts about it.

`differentiate` makes programs for Jacobians, Hessians and products: `sparsity` finds few directions, `sweeps` goes
along them. `find_repeats` finds equal copies within a program; where there are many, `fewer_copies` differentiates a
few of them, and `more_copies` puts the others in. `loop_fission` reorders a program so that more of it runs in loops;
`batch_invariant` splits off the part that is the same for all examples.
"""
