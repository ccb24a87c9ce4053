"""Read a customer's features and recent purchases at request time, with a fallback for each failure."""
