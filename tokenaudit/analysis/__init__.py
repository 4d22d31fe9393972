"""From charges to answers: pure functions from frame to frame.

`where` chooses the rows, `cube` adds them up and prices the sums, `overlap` keeps a bill and its usage from being
counted twice, `breakdown` and `compare` lay the sums out, `facts` says how far they can be trusted.
"""
