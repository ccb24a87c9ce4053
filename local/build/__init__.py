"""Inputs of the last build, the builds themselves, and dbt by hand."""
