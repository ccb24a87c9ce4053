"""What was fitted: each model's scores for a batch of customers."""
