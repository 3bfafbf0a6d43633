"""Predictors: survival."""
