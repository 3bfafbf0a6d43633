"""What every stage shares: whole-file writes, stamps, manifests, digests, job logs."""
