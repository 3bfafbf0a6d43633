"""Inputs that look right and are not: what spoils a project, and what its user reads."""


def rename(rows, column, name, before=""):
    """Another header for a column; `before` stands in front of its cells."""
    for row in rows:
        cells = [(name, f"{before}{value}") if key == column else (key, value) for key, value in row.items()]
        row.clear()
        row.update(cells)


ODD_INPUTS = {
    "cases that are not there": (
        lambda p: p.config["slides"].update(cases="cases.tsv"),
        ["config, key slides/cases: no such file: cases.tsv"],
    ),
    "cases without ids": (
        lambda p: p.config["slides"].update(cases="slides.tsv") or rename(p.slides, "case_id", "patient"),
        ["slides.tsv, header, column case_id: missing"],
    ),
    "column twice": (
        lambda p: rename(p.profiles, "unit", "path\tunit"),
        ["profiles.tsv, header: column path is there twice", "rename or remove one"],
    ),
    "key of another kind": (
        lambda p: p.config["embed"]["models"]["mean"].update(run="nothing", seed=3),
        ["config, key embed/models/mean/run: kind mean reads no run", "it reads: grid, encoder", "mean/seed"],
    ),
    "features of no folder": (
        lambda p: p.config["features"]["encoders"].update(given={"adapter": "precomputed"}),
        ["config, key features/encoders/given/folder: no such folder: ''"],
    ),
    "run without pairs": (
        lambda p: [row.update(case_id="X" + row["case_id"]) for row in p.profiles],
        ["config, key pretrain/runs/one/cohorts: no case of A has both a slide that is kept and a profile"],
    ),
    "magnification that makes no name": (
        lambda p: p.config["tiles"]["grids"]["main"].update(magnification=1234567.8),
        ["config, key tiles/grids/main/magnification: 1234567.8 is greater than the maximum"],
    ),
    "clusters of a task that is not there": (
        lambda p: p.config["probe"].update(cluster={"k": {"here--size": 3}}),
        ["config, key probe/cluster/k: no task is called 'here--size'"],
    ),
    "slide of another case": (
        lambda p: p.splits[0].update(slide_id="S3"),
        ["k=all.tsv, row 2, column slide_id: slide S3 is of case C3 in slides.tsv, not of C1"],
    ),
    "fold twice": (
        lambda p: rename(p.splits, "fold_0", "fold_0\tfold_0", "test\t"),
        ["k=all.tsv, header: column fold_0 is there twice"],
    ),
    "task without labels": (
        lambda p: [row.update(grade="") for row in p.splits],
        ["k=all.tsv, column grade: empty in every row"],
    ),
    "more cells than a task has columns": (
        lambda p: p.splits[1].update(fold_0="train\ttest"),
        ["k=all.tsv, row 3: 5 cells, and the header has 4"],
    ),
    "marks of Snakemake in a path": (
        lambda p: (p.slides[2].update(path="files/<results>.svs"), p.profiles[1].update(path="files/{shard}.tsv")),
        [
            "slides.tsv, row 4, column path: files/<results>.svs holds <results>, which Snakemake would replace",
            "profiles.tsv, row 3, column path: files/{shard}.tsv holds {, which Snakemake would replace",
        ],
    ),
}
