"""Train the two-tower model, which retrieves products that a customer has not bought yet."""
