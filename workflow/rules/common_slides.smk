"""The slide sheet, its shards, and the grids. Functions only."""

import functools

SLIDE_SHEET = find_file(config["slides"]["sheet"])
SLIDES = read_sheet(SLIDE_SHEET)
SHARDS = in_blocks(SLIDES, config["slides"]["slides_per_job"])
SHARD_OF_SLIDE = {row.get("slide_id"): shard for shard, rows in SHARDS.items() for row in rows}
CASES = list(dict.fromkeys(row.get("case_id") or "" for row in SLIDES))
SLIDE_COLUMNS = ("slide_id", "case_id", "path", "mpp", "keep")


def get_shards_of(cohorts):
    """Shards that hold a slide of the cohorts; every shard where none is named."""
    wanted = set(cohorts)
    return [
        shard
        for shard, rows in SHARDS.items()
        if not wanted or any(row.get("cohort") in wanted for row in rows)
    ]


def get_shard_rows(wildcards):
    """What the jobs of a shard read of the sheet: slide_id, case_id, path (resolved), mpp, keep."""
    return values_of_shard(wildcards.shard)


@functools.cache
def values_of_shard(shard):
    """The same by name, worked out once: six rules ask for it."""
    return [slide_values(row) for row in SHARDS[shard]]


def slide_values(row):
    """The columns of one slide that decide its pixels, with defaults."""
    values = {column: row.get(column) or "" for column in SLIDE_COLUMNS}
    values["path"] = resolve_path(values["path"], SLIDE_SHEET)
    values["keep"] = values["keep"] or "auto"
    return values


def get_shard_slides(wildcards):
    """Raw slides of a shard, without those the sheet excludes and those it has downloaded."""
    return [given(row["path"]) for row in get_declared_rows(wildcards)]


def get_declared_slides(wildcards):
    """Ids of these slides, in their order."""
    return [row["slide_id"] for row in get_declared_rows(wildcards)]


def get_declared_rows(wildcards):
    """Rows of slides that the user gives. Downloaded ones are known by the manifest of their download only."""
    rows = zip(get_shard_rows(wildcards), SHARDS[wildcards.shard])
    return [row for row, full in rows if row["keep"] != "no" and not is_downloaded(full)]


def get_known_bad_slides():
    """The table of public slides that are known to be bad."""
    return workflow.source_path("../../resources/known_slides/known_bad_slides.tsv")


def name_of_grid(grid):
    """TRIDENT's name of a grid, with the optional label: 20x_512px_0px_overlap-strict."""
    scale = f"{grid['mpp']:g}mpp" if grid["mpp"] else f"{grid['magnification']:g}x"
    name = f"{scale}_{grid['patch_size']}px_{grid['overlap']}px_overlap"
    return f"{name}-{grid['label']}" if grid["label"] else name


def get_grid(wildcards):
    """The grid whose folder name is the wildcard."""
    return GRIDS[wildcards.grid]


def get_given_coords(wildcards):
    """Coordinate files of another tool for the slides of a shard, where the grid names their folder."""
    folder = get_grid(wildcards)["coords"]
    paths = [f"{folder}/{row['slide_id']}_patches.h5" for row in get_shard_rows(wildcards)]
    return [given(path) for path in paths if folder and os.path.isfile(path)]


GRID_NAMES = {key: name_of_grid(grid) for key, grid in config["tiles"]["grids"].items()}
GRIDS = {
    GRID_NAMES[key]: grid
    | {"name": GRID_NAMES[key], "coords": find_file(grid["coords"]) if grid["coords"] else ""}
    for key, grid in config["tiles"]["grids"].items()
}


wildcard_constraints:
    shard=r"\d{5}",
    block=r"\d{5}",
    slide=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    grid=r"[0-9.]+(x|mpp)_\d+px_\d+px_overlap[A-Za-z0-9.-]*",
    encoder=r"[a-z0-9_]+",
    cohort=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    run=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    model=r"[A-Za-z0-9][A-Za-z0-9._-]*",
    task=r"[A-Za-z0-9][A-Za-z0-9._=-]*",
