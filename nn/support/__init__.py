"""What the other rooms share: checks of arguments, files of parameters, tables, figures."""
