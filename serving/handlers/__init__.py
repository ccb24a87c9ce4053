"""Handle valid requests, one file per family of endpoints."""
