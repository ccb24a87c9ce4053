"""Decide who may use the console: users, their roles, their sessions, and where a request comes from."""
