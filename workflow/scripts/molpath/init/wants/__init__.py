"""Ways to start a study, one module each: its options, and the resulting draft."""
