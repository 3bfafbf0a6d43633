"""`molpath init`: a study folder that works by itself, written after a look at what a user has.

Nothing is opened that is not needed, nothing is overwritten, and every guess is said with the option that overrides it.
"""
