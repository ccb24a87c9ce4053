"""Define the HTTP API: request and answer types, validation messages, the OpenAPI document."""
