"""Budgets and policies as the configuration declares them: read, checked, and laid on the calendar.

`declarations` are the records and their types, `structure` reads tables into them, `lines` finds where in the file
something stands, `grid` reads finance's CSV, `checks` looks at what budgets say together, `load` does all of it, and
`windows` says which days a limit is about. Nothing here needs data.
"""
