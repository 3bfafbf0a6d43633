"""Fitting a predictor: a frozen probe on every labelled case of a task."""
