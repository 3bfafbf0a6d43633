"""Predictors: frozen probes that are kept, and what they say of new slides."""
