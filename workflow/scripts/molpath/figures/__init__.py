"""Figures of results, each drawn from a tidy table: same table, same bytes."""
