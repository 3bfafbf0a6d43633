"""Tissue segmentation and quality, from one read of a low-resolution level."""
