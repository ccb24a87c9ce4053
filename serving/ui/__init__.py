"""The browser pages for trying the service, and the endpoints that they call."""
