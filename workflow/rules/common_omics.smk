"""The profile sheet, what the omics rules read of it, and the checks of their section. Functions only."""

import functools

PROFILE_SHEET = find_file(config["omics"]["sheet"]) if config["omics"]["sheet"] else ""
PROFILES = read_sheet(PROFILE_SHEET)
PROFILE_COLUMNS = (
    "profile_id",
    "case_id",
    "modality",
    "cohort",
    "format",
    "path",
    "column",
    "unit",
    "sample_id",
    "sample_type",
    "panel",
)


@functools.cache
def get_cohorts(modality):
    """Cohorts of the profile sheet with profiles of a modality, in sheet order."""
    return list(dict.fromkeys(row["cohort"] for row in PROFILES if row.get("modality") == modality))


@functools.cache
def get_profile_rows(cohort, modality):
    """Rows of the profile sheet for a cohort and modality, paths resolved."""
    return [
        {column: row.get(column) or "" for column in PROFILE_COLUMNS}
        | {"path": resolve_path(row["path"], PROFILE_SHEET)}
        for row in PROFILES
        if row.get("cohort") == cohort and row.get("modality") == modality
    ]


def get_rna_rows(wildcards):
    """RNA rows of the profile sheet for the cohort."""
    return get_profile_rows(wildcards.cohort, "rna")


def get_dna_rows(wildcards):
    """DNA rows of the profile sheet for the cohort."""
    return get_profile_rows(wildcards.cohort, "dna")


def get_rna_files(wildcards):
    """Every file that holds RNA of the cohort."""
    return get_files_here(wildcards.cohort, "rna")


def get_dna_files(wildcards):
    """Every file that holds DNA of the cohort."""
    return get_files_here(wildcards.cohort, "dna")


@functools.cache
def get_files_here(cohort, modality):
    """Files of a cohort and modality that are not downloaded (those are in the manifests of downloads)."""
    paths = {
        resolve_path(row["path"], PROFILE_SHEET)
        for row in PROFILES
        if row.get("cohort") == cohort
        and row.get("modality") == modality
        and row["path"] not in BLOCK_OF_PROFILE
    }
    return [given(path) for path in sorted(paths)]


def get_consequences(name):
    """A table of kinds of variants and flags (consequences, so_terms): the config's, else the one that ships."""
    named = config["omics"][name]
    return (
        given(find_file(named))
        if named
        else workflow.source_path(f"../../resources/consequences/{name}.tsv")
    )


def get_gene_table():
    """The table of gene names: the config's, else the one that ships; none where names stay as given."""
    named = config["omics"]["gene_table"]
    if named == "as_given":
        return []
    shipped = workflow.source_path("../../resources/genes/hgnc.tsv")
    return [given(find_file(named)) if named else shipped]


def get_transcripts():
    """The table transcript to gene, where the config names one."""
    named = config["omics"]["transcripts"]
    return [given(find_file(named))] if named else []


def get_design_cases():
    """The sheet of cases, where a design names its columns."""
    return get_case_sheet() if config["omics"]["vst"]["design"] else []


def get_dna_genes():
    """The list of genes whose flags are made."""
    named = config["omics"]["dna_genes"]
    return [given(find_file(named))] if named else []


def get_panel_files():
    """Genes of the panels, in the order of their names."""
    panels = config["omics"]["panels"]
    return [given(find_file(panels[name])) for name in sorted(panels)]


def get_selection(cohort):
    """Which genes of a cohort pretraining sees: nothing, {list: path} or {top_sd: number}."""
    chosen = config["omics"]["select"].get(cohort) or {}
    chosen = {key: value for key, value in chosen.items() if value}
    return chosen | ({"list": find_file(chosen["list"])} if "list" in chosen else {})


def get_gene_list(wildcards):
    """The file of chosen genes, where there is one."""
    chosen = get_selection(wildcards.cohort)
    return [given(chosen["list"])] if "list" in chosen else []


@functools.cache
def get_reference(cohort):
    """The cohort on whose expression parameters are fitted: named, else itself if a run trains on it, else the first
    cohort with expression that a used run trains on; itself where there is none."""
    named = config["omics"]["fit_on"].get(cohort)
    if named:
        return named
    trained = [name for run in get_used_runs() for name in RUNS[run]["cohorts"]]
    trained = [name for name in trained if name in get_cohorts("rna")]
    return cohort if cohort in trained or not trained else trained[0]


def get_reference_fit(wildcards):
    """The fit of another cohort that this one takes over."""
    reference = get_reference(wildcards.cohort)
    return [] if reference == wildcards.cohort else [f"<results>/omics/{reference}/rna_fit.h5"]


def get_rna_settings(wildcards):
    """How expression is read and normalised."""
    keys = ("value", "star_column", "size_factors", "dispersions", "vst")
    settings = {key: config["omics"][key] for key in keys}
    return settings | {
        "transcripts": (get_transcripts() or [""])[0],
        "select": get_selection(wildcards.cohort),
    }


def get_vocabulary_runs(wildcards):
    """Used runs that train on the cohort and start from a scGPT folder."""
    return [
        run
        for run in get_used_runs()
        if wildcards.cohort in RUNS[run]["cohorts"] and RUNS[run]["rna_encoder"]["checkpoint"]
    ]


def get_vocabularies(wildcards):
    """Vocabularies of these runs."""
    folders = [RUNS[run]["rna_encoder"]["checkpoint"] for run in get_vocabulary_runs(wildcards)]
    return [given(f"{find_file(folder)}/vocab.json") for folder in folders]


def get_gdc_downloads():
    """Folder and sample sheet of each GDC download."""
    return {
        cohort: {key: find_file(value) for key, value in one.items()}
        for cohort, one in config["omics"]["gdc"].items()
    }


def get_gdc_sheets():
    """Sample sheets of the GDC downloads."""
    return [given(one["sample_sheet"]) for one in get_gdc_downloads().values()]


def check_omics():
    """Files, cohorts and panels that the section omics names; what a run trains on is fitted on itself."""
    omics, cohorts = config["omics"], set(get_cohorts("rna"))
    keys = ("gene_table", "transcripts", "dna_genes", "consequences", "so_terms")
    named = {key: omics[key] for key in keys if omics[key] and omics[key] != "as_given"}
    named |= {f"panels/{name}": path for name, path in omics["panels"].items()}
    for cohort in omics["select"]:
        check_name(
            "config, key omics/select", f"cohort with rna in {PROFILE_SHEET}", cohort, cohorts
        )
        if "list" in omics["select"][cohort]:
            named[f"select/{cohort}/list"] = omics["select"][cohort]["list"]
    for cohort, one in omics["gdc"].items():
        named[f"gdc/{cohort}/sample_sheet"] = one["sample_sheet"]
    for key, path in named.items():
        check_file(f"config, key omics/{key}", find_file(path))
    for cohort, reference in omics["fit_on"].items():
        where = f"config, key omics/fit_on/{cohort}"
        if check_name(where, f"cohort with rna in {PROFILE_SHEET}", reference, cohorts):
            if get_reference(reference) != reference:
                add_problem(
                    where,
                    f"{reference} takes its parameters from {get_reference(reference)} itself",
                    "name a cohort that is fitted on itself",
                )
    for row in PROFILES:
        if (
            row.get("panel")
            and row.get("modality") == "dna"
            and row["panel"] not in omics["panels"]
        ):
            known = ", ".join(sorted(omics["panels"])) or "none"
            add_problem(
                f"{PROFILE_SHEET}, row {row['#']}, column panel",
                f"panel {row['panel']!r} has no genes",
                f"name its file under omics/panels; there are: {known}",
            )
            break
    unknown = sorted(set(omics["allow_leakage"]) - set(CASES))
    if unknown:
        add_problem(
            "config, key omics/allow_leakage",
            f"no case {unknown[0]!r} in {SLIDE_SHEET}",
            "name cases of the slide sheet",
        )
