"""Predictors: card."""
