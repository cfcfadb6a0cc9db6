"""The forward and the backward pass, one step at a time.

`stepper` is for users; `page_data`, `terminal` and `widget` show the same steps on a page, as text, and in Jupyter.
"""
