"""Tables that the report shows as pages. Functions only."""

TABLE_PAGES = load_yaml(workflow.source_path("../report/tables.yaml"))


def get_table_pages(paths):
    """Pages of those of the files that are shown as such."""
    roots = [path.removesuffix(".tsv") for path in paths if path.endswith(".tsv")]
    return [f"{root}.html" for root in roots if root.rsplit("/", 1)[1] in TABLE_PAGES]


def get_table_category(wildcards):
    """Chapter of the report in which a table stands."""
    return TABLE_PAGES[wildcards.table]["category"]


def get_table_place(wildcards):
    """Model and task of a table below probe; nothing for others."""
    parts = wildcards.folder.split("/")
    return {"model": parts[1], "task": parts[2]} if parts[0] == "probe" else {}


def get_table_labels(wildcards):
    """Label of a table in the report: one, for of several the report makes switches, and fails on what has no pair."""
    title = TABLE_PAGES[wildcards.table]["title"]
    shown = f"{title[0].lower()}{title[1:]} (table)"
    return {
        "result": ": ".join(filter(None, [", ".join(get_table_place(wildcards).values()), shown]))
    }


def get_table_title(wildcards):
    """Title of a table's page."""
    place = ", ".join(get_table_place(wildcards).values())
    return ": ".join(filter(None, [TABLE_PAGES[wildcards.table]["title"], place]))


def get_table_caption(wildcards):
    """What a table says, in plain text."""
    return TABLE_PAGES[wildcards.table]["caption"].format(**get_table_place(wildcards))
