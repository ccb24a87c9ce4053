"""Watch what is served: compare sales, features and decisions with what the deployed version was trained on."""
