"""Models: diffusers pipelines as targets that answer questions, one adapter per family."""
