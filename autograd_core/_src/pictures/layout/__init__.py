"""Third stage: from a scene to coordinates.

Takes cards with sizes and gives a `Plan`: where every card stands and where every edge runs. Read `layered` (one
level), `crossings` (the order within its layers), `line_breaks` (long levels in several lines), then `nested` (scopes
within scopes, innermost first).
"""
