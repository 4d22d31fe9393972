"""The command line: one module per command, each from options to a call to what is shown."""
