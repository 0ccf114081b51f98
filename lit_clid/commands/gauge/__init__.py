"""The gauge: membership AUROC and held-out loss against steps, in training and of checkpoints."""
