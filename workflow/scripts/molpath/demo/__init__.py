"""The synthetic demo cohort: files as a user would have them, with planted truth. All of it is synthetic."""
