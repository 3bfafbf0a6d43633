"""Tables and figures: every number traceable to a file."""
