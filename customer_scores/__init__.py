"""Publish the scores of customers: predictions, tags, segments, and what audiences and offers read.

This package contains no model. It checks files, keeps their versions, and opens them.
"""
