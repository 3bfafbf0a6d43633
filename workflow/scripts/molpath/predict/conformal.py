"""Predictors: conformal."""
