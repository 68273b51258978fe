"""The catalogue: which domains can be asked for, and the SQL behind each. No database is needed to read it."""
