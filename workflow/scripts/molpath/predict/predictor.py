"""Predictors: predictor."""
