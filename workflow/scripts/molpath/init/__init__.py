"""`molpath init`: a study folder that works by itself, written after a look at what a user has.

No unneeded file is opened, nothing is overwritten, and every guess is printed with the option that overrides it.
"""
