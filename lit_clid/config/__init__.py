"""Configuration: option dataclasses, the schema, and reading it from YAML and key=value."""
