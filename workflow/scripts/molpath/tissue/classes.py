"""Classes of a slide's pixels."""

#: Class codes of quality/<slide>.png, those of GrandQC's artefact model.
CLASSES = {"background": 0, "tissue": 1, "fold": 2, "dark": 3, "pen": 4, "edge_or_bubble": 5, "out_of_focus": 6}
