"""The versions of every product: BentoML's model store, an append-only release log, a compare-and-swap champion alias.

Imports `settings`, `core` and the list of products, and opens a bundle only through the protocol of
`registry/bundle.py`. The service follows the alias; only `verify` sends it requests, over HTTP.
"""
