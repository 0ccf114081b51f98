"""One file per family of text-to-image pipelines."""
