"""Reasons for leaving a slide or a profile out of the pairs; imports no library, for tables that count them."""

#: Reasons by key.
REASONS = {
    "slide_set_aside": "the slide was set aside (tables/slides.tsv says why)",
    "duplicate_slide": "another slide is the same image",
    "no_profile": "no profile of this case and cohort",
    "no_slide": "no slide of this case and cohort",
    "zscore": "z-scores are scaled within their cohort; probing only",
    "duplicate_aliquot": "another aliquot of the same sample was chosen",
    "other_kind": "tumour with tumour, normal with normal",
    "unknown_kind": "normal tissue is paired only with known normal tissue (column sample_type of the sheets)",
    "other_tissue": "slide and profile are of different tissues of one donor",
    "other_sample": "a profile of the slide's own sample was chosen",
    "another_profile": "one profile per slide and modality: the first of the sheet was chosen",
}
