"""From files to rows in the store: walk, compare with the ledger, recognise, read, count once, commit."""
