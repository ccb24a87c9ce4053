"""Follow the announced experiments, and serve each customer the variant that a salted hash assigns."""
