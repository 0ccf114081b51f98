"""Utility: how well a trained model still draws, by the images that it makes."""
