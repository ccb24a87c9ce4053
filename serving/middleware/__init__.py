"""Check each request before its handler runs, one concern per file."""
