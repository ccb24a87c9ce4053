"""Fitted and trained models, without the libraries that trained them."""
