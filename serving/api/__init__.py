"""Wire types of the HTTP API, their validation messages and the OpenAPI document."""
