"""Multimodal pretraining of a slide encoder against molecular profiles, after Threads (arXiv 2501.16652)."""
