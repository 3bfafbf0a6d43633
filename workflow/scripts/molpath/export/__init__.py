"""Outputs for other tools: Parquet, Croissant, SpatialData, and what Patho-Bench reads."""
