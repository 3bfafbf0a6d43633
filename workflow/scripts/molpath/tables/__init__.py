"""Tables and pages of results: every number traceable to a file."""
