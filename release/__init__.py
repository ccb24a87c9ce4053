"""Which bundle is champion: BentoML's model store, an append-only release log and a pointer changed by compare-and-swap.

Knows `settings` and how to open a bundle (`scoring`), nothing else. The service follows the pointer; it is never
called from here except by `verify`, over HTTP.
"""
