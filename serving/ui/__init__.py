"""Serve the browser pages, and the endpoints that only they call."""
