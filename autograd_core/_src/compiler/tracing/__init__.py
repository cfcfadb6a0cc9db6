"""First stage: a function is called once on Values and becomes a program.

Takes a function and its arguments; gives a recorded graph (`record`) and its program (`lower`). Whatever the
function reads besides its arguments is a constant of the program. `captured_constants` finds these by what the
code can load (`code_reads`, `code_walk`), and tells cheaply whether one has changed since (`watches`).
"""
