"""The two-tower model: what a customer has not bought yet but will."""
