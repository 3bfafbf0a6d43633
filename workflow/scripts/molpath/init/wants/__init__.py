"""What a user may want of a study, a module each: its options, and the draft that comes of them."""
