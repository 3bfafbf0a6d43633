"""New slides through the workflow: predictions of every case, with slides that fail, and what is refused before."""

ENCODER, GRID = "colour", "20x_256px_0px_overlap"
PREDICTIONS = "results/predict/mean/here--grade/predictions.tsv"
MODULE_RULES = (
    *("inspect_slides", "assess_tissue", "collect_slides", "tile_slides", "collect_losses", "extract_features"),
    *("collect_feature_losses", "embed_block", "gather_embeddings"),
)
