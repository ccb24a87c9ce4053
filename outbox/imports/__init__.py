"""Bring what the shop delivered into the store: consents, addresses and bounces of the admission."""
