"""The synthetic demo cohort: files as a user would have them, with planted truth. Nothing in it is real."""
