"""Embeddings of slides, cases and profiles by a named model."""
