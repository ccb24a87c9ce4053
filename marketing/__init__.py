"""Decisions about customers (audiences, offers, segments) with their reasons, made of published scores.

The functions are pure and need no model library, so a command and the service give the same answer.
"""
