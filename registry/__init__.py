"""Which bundle is champion: BentoML's model store, a release log that only grows, a compare-and-swap pointer.

Knows `settings` and how to open a bundle (`scoring`), nothing else. The service follows the pointer; only
`verify` speaks to it, over HTTP.
"""
