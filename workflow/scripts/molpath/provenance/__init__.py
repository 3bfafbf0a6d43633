"""Where results come from and whether they are whole: provenance, crate, inventory, manifests against files."""
