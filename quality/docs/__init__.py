"""Write Data Docs that need no network: our own first page, and Great Expectations' pages with local styles."""
