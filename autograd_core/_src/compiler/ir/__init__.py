"""The program: instructions in single assignment, as flat arrays.

`program` has its form, its checks and its files, `layout` says which inputs and results its runs have; `npz_files`
reads such files from strangers. `tape` has steps to which more are added while derivatives are recorded; they are
lowered to a program when all are there.
"""
