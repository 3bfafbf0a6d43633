"""Models with their kinds and seeds, as a study whose names end in -s<seed> would hand them to tables and figures."""


def with_seeds(*names: str) -> dict[str, list[str]]:
    """'threads-s1' -> {'threads-s1': ['threads', 's1']}; other names are their own kind."""
    return {name: name.rsplit("-", 1) if "-s" in name else [name, ""] for name in names}
