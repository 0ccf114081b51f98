"""Training: a target tuned by the paper's recipe, the usual variants and the defenses."""
