"""Rules as text: what the table says, in the statements of another language.

`statements` writes terms (`number_systems/terms.py`), in which equal ones are computed once; each language is a
`Language`. Brackets follow `precedence`, as those of formulas do. `javascript` is one language, with the rules of
single primitives, those of lists read in `lists`; C and NumPy stand at their exports in `compiler/codegen`.
`error_function` is for those that lack it.
"""
