"""The online store: each customer's and product's newest features, written by one process and read by many."""
