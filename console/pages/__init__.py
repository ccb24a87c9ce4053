"""Hold the pages: each module reads what its page shows, and returns its endpoints."""
