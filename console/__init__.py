"""Serve the console: the web pages on which people look at Reach, and act through its commands.

The console reads the service's API, published files and the outbox. Every action starts a command that a person could
start by hand, so no decision is made here.
"""
