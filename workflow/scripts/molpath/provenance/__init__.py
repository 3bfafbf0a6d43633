"""Where results come from and whether they are complete: provenance, crate, inventory, manifests against files."""
