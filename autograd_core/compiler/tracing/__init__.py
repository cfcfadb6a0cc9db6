"""A function is called once on Values, and becomes a program.

Takes a function and its arguments; gives a recorded graph (`record`) and the program of it (`lower`). What the function
read from outside is a constant of the program: `captured_constants` finds it, by what the code can load (`code_reads`,
`code_walk`), and tells cheaply whether it was touched since (`watches`).
"""
