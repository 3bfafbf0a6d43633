"""Probing frozen embeddings: tasks, folds, probes, metrics, intervals."""
