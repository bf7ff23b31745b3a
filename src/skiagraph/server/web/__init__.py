"""What answers over HTTP: one file a resource, and no logic in routes."""
