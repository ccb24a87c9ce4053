"""Hold what every page needs: rendering, navigation, formats, the service's client, and commands under way."""
