"""Predictors: frozen probes that are kept, and what they say about new slides."""
