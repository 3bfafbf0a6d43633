"""Which patches of a slide go through the encoder: pure arithmetic on polygons, quality map and grid."""
