"""Molecular profiles: from the files users have to normalised tables, flags, and pairs with slides."""
