"""What turns ranked products into the list shown: filters, diversity, fallbacks and explanations."""
