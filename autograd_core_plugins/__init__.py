"""What pytest and Hypothesis load when they start, without loading `autograd_core`.

It lies outside of that package: to import any module of a package is to import the package, which
takes longer than these do and would happen before a coverage measurement begins.
"""
