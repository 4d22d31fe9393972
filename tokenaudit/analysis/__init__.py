"""From usage to answers: pure functions from frame to frame.

`where` chooses the rows, `cube` adds them up and prices the sums (`idle` and `times` help it), `overlap` keeps a bill
and its usage from being counted twice. `measures` are the figures of a row, `breakdown` and `compare` lay them out,
`facts` says how far they can be trusted.
"""
