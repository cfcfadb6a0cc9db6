"""How `nn` works: nothing here is public, and any of it may change.

`modules` are layers, losses and parameters, `training` fits them to `data`, `metrics` judges what they predict;
`analysis` explains a network, `teaching` derives and grades by hand, in one `notation`; `support` has what several
of these need.
"""
