"""Candidate generation: sources score products, and the merge takes a quota of each."""
