"""Outputs for other tools: tables as Parquet, their description as Croissant, slides as SpatialData, tasks and embeddings for Patho-Bench."""
