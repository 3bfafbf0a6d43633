"""Status and reasons of slides in manifests and in the ledger. Planning reads them, too."""

from __future__ import annotations

OK, SET_ASIDE = "ok", "set_aside"
#: Reason of a slide known only by features of another tool: not a failure, and later stages may use it.
FEATURES_ONLY = "features_only"
#: Reason of a slide that the sheet excludes.
EXCLUDED = "excluded"
#: Reasons that are not failures: the sheet asks for them.
ALLOWED = (EXCLUDED, FEATURES_ONLY)

#: Every reason a slide can be set aside for, in the order in which they are looked for.
REASONS = {
    "excluded": "the sheet says keep = no",
    "features_only": "the sheet names no raw slide; only features of another tool are given",
    "not_downloaded": "the file could not be fetched as it was announced",
    "unreadable": "no reader opens the file, or none of its patches can be read",
    "truncated": "the file ends before its data do",
    "crashed": "reading the slide ended the reader process",
    "timeout": "reading the slide took longer than the deadline",
    "memory": "reading the slide needed more memory than one slide may take",
    "no_resolution": "no micrometres per pixel in the file nor in the sheet",
    "not_square": "its pixels are wider than high, or higher than wide",
    "low_resolution": "the slide was scanned at less than the wanted magnification",
    "no_contours": "the folder of given contours has no polygons for it",
    "not_he": "the slide is not stained with haematoxylin and eosin, or not seen in transmitted light",
    "blank": "no tissue found",
    "under_stained": "the tissue is so pale that stain and noise are hard to distinguish",
    "over_stained": "the tissue is so dark that its structure is lost",
    "compressed": "compression has taken away the detail",
    "out_of_focus": "too little of the tissue is in focus",
    "no_coords": "the folder of given coordinates has no file for it",
    "bad_coords": "the given coordinates can't be read, or don't fit the slide or the grid",
    "no_patches": "no patch is left after tissue and quality masks",
    "damaged": "too many of its patches are on tiles that can't be decoded",
    "no_features": "the folder of precomputed features has no file for it",
    "bad_features": "the file of precomputed features can't be used, or doesn't fit the slide or the grid",
    "too_large": "its features hold numbers beyond fp16, in which patches are packed for pretraining",
    "not_placed": "its features lack patch coordinates, which the slide encoder reads",
    "no_vector": "the table of given vectors has none of its case",
}
