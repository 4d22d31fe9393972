"""The store: immutable Parquet segments by month, and a SQLite catalog that says which of them count."""
