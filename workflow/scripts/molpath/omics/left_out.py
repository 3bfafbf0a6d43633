"""Why a slide or a profile is left out of the pairs; needs no library, for tables that count them."""

#: Why something is left out.
REASONS = {
    "slide_set_aside": "the slide was set aside (tables/slides.tsv says why)",
    "duplicate_slide": "another slide is the same picture",
    "no_profile": "no profile of this case and cohort",
    "no_slide": "no slide of this case and cohort",
    "zscore": "z-scores are scaled over their own cohort; probing only",
    "duplicate_aliquot": "another aliquot of the same sample was chosen",
    "other_kind": "tumour with tumour, normal with normal",
    "unknown_kind": "normal tissue goes only with what is known to be normal (column sample_type of the sheets)",
    "other_tissue": "slide and profile are of different tissues of one donor",
    "other_sample": "a profile of the very sample of the slide was chosen",
    "another_profile": "one profile a slide and modality: the first of the sheet was chosen",
}
