"""The demo's mail sink: an SMTP server on loopback that keeps every message and delivers none, and a page to read them.

For the demo and for trials only: it asks for no password, and takes mail to any address.
"""
