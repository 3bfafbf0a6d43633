"""Patch features: one stream from slides through an encoder to one file per slide."""
