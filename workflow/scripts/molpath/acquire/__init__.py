"""Files that come from elsewhere: weights of encoders."""
