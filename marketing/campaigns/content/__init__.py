"""Messages: templates, the slots that they name, and their rendering."""
