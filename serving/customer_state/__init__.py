"""What is known of a customer at the time of a request: features, recent purchases and their fallbacks."""
