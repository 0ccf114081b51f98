"""Options: frozen dataclasses whose docstrings explain every key."""
