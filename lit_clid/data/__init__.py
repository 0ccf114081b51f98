"""Data: any captioned-image source, split once into members and hold-outs of target and shadow."""
