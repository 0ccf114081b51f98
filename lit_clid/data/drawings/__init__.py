"""The embedded families of captioned drawings."""
