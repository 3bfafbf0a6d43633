"""What models look at and what their embeddings say: attention, top patches, genes and directions."""
