"""The org map: whose a name is, in which team, and who pays; all dated, and applied when a question is asked.

`read` finds the entries in the configuration and in CSV files, `check` says what is wrong with them, `map` makes tables
of them. Nothing here changes the store.
"""
