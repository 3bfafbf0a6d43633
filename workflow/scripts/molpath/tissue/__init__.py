"""Where the tissue is and how good it is, from one read of a low-resolution level."""
