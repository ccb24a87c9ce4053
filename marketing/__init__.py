"""Decisions about customers: whom to reach, with what, and why, made of published scores.

The functions are pure and need no model library, so a command and the service give the same answer.
"""
