"""Opening slides: readers, resolution, identity, inspection of a shard, and the cohort's table."""
