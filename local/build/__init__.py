"""What the last demo was made of, and dbt by hand."""
