"""Checks of the section omics against sheets and files. Functions only."""


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
