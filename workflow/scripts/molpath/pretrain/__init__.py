"""Multimodal pretraining of a slide encoder against molecular profiles, after Threads (arXiv 2501.16652)."""

import os

# Before torch takes its first memory: large tensors on huge pages. Without them the C library's heap is left with holes
# that the next tensor doesn't fit, and a step of 8 bags of 2,048 patches holds 2.0 GB in place of 1.2 GB.
os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")
