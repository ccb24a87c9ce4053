"""From ranked products to the list shown: business rules, diversity, fallbacks and explanations."""
