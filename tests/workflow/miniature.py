"""The public part of the paper in miniature: generated slides and profiles on services of this machine, and its config.

The config is config/public itself with a file over it that makes it tiny, as a user's own file would.
"""

import gzip
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import openslide
import pandas as pd
from idc_bucket import series_of, write_index
from molpath.common.files import read_tsv
from molpath.demo.molecular import make_omics
from molpath.demo.slide_files import make_slides
from molpath.demo.tasks import make_tasks

#: Cases that pretrain, as the GDC and GTEx name them, and those of the cohorts that the tasks are of.
TCGA = [f"TCGA-AA-000{i}" for i in range(1, 7)]
GTEX = [f"GTEX-111C{i}" for i in range(1, 5)]
PROBED = {"mut-het-rcc": [f"RCC{i:02d}" for i in range(15)], "sr386_": [f"SR{i:02d}" for i in range(15)]}
#: The paper's tasks that are probed, and the demo's task that their labels are drawn as.
TASKS = {
    "mut-het-rcc--BAP1_mutation": "KRAS_mutation",
    "sr386_--braf_mutant_binary": "BRAF_mutation",
    "sr386_--OS": "OS",
}
MODELS = ["mean-virchow", "mean-conch_v15", "threads"]
SEED = 1
COHORT_COLUMNS = ["slide_id", "case_id", "path", "cohort", "url", "md5", "bytes"]


def config_of(address: str) -> dict:
    """What is laid over config/public: the services' address, networks of a few parameters, a few models and tasks."""
    small = {"width": 16, "layers": 1, "heads": 2, "feedforward": 16, "checkpoint": ""}
    training = {"epochs": 2, "warmup_epochs": 1, "batch_size": 5, "patches": 16, "genes": 50, "processes": 1}
    run = {"slide_encoder": {"hidden": 16, "output": 16, "heads": 2}, "rna_encoder": small, "training": training}
    return {
        "software": {"allow_cpu": True},
        "slides": {"slides_per_job": 12},
        "tiles": {"grids": {"main": {"patch_size": 256}, "baseline": {"patch_size": 128}}},
        "features": {"encoders": {name: {"adapter": "mean_colour"} for name in ("conch_v15", "virchow")}},
        "omics": {"select": {"TCGA": {"top_sd": 60}, "GTEX": {"top_sd": 60}}},
        "pretrain": {"runs": {"tcga-gtex": run}},
        "embed": {"use": MODELS, "cohorts": list(PROBED)},
        "probe": {
            "benchmark": "resources/patho-bench",
            "benchmark_groups": ["frozen"],
            "use": list(TASKS),
            "C_sweep": [],
        }
        | {protocol: {"use": []} for protocol in ("transfer", "prompt", "cluster", "finetune")},
        "report": {"note": "synthetic"},
        "acquire": {
            "idc_index": "index/idc_index.parquet",
            "idc_names": "index/sm_index.parquet",
            "gdc": {"TCGA": {"programs": ["TCGA"]}},
            "gtex": {
                "GTEX": {
                    "api": address,
                    "images": f"{address}/images",
                    "samples": f"{address}/samples.txt",
                    "tpm": f"{address}/bulk/tpm.gct.gz",
                    "tpm_md5": "",
                }
            },
            "gdc_api": address,
            "profiles_per_job": 4,
            "wait_s": 0.05,
        },
    }


def fill(service, folder: Path) -> dict[str, bytes]:
    """Draw slides, profiles and splits; the service gets the first two, what the hub has of the third is returned."""
    probed = [case for cases in PROBED.values() for case in cases]
    names = {case: f"{case}-01Z-00-DX1.U" for case in TCGA} | {case: f"{case}-0126" for case in GTEX}
    rows = [slide_row(folder, names.get(case, f"{case}-1"), case) for case in (*TCGA, *GTEX, *probed)]
    make_slides(rows, seed=SEED, size=(1024, 1024))
    make_omics([*TCGA, *GTEX], folder, seed=SEED)
    contents = {row["case_id"]: Path(row["path"]).read_bytes() for row in rows}
    counts = {case: star_counts(folder, case) for case in (*TCGA, *GTEX)}
    service.index = fill_bucket(service, folder, names, {row["case_id"]: row["path"] for row in rows})
    for i, case in enumerate(TCGA):
        kind = {"data_type": "Gene Expression Quantification", "analysis": {"workflow_type": "STAR - Counts"}}
        service.add(f"r{i}", counts[case].name, counts[case].read_bytes(), case, f"{case}-01A", **kind)
    service.images = [
        {"tissueSampleId": names[case], "subjectId": case, "tissueSiteDetail": "Colon - Sigmoid"} for case in GTEX
    ]
    service.files |= gtex_expression({f"{names[case]}-SM-5GZYN": counts[case] for case in GTEX})
    service.files |= {f"/cohorts/{case}-1.svs": contents[case] for case in probed}
    return splits([row for row in rows if row["case_id"] in probed], folder / "splits")


def fill_bucket(service, folder: Path, names: dict[str, str], paths: dict[str, str]) -> list[tuple]:
    """Slides of TCGA and GTEx as series of the IDC's bucket; what its index says of them."""
    listed = []
    for i, case in enumerate((*TCGA, *GTEX), start=1):
        with openslide.OpenSlide(paths[case]) as slide:
            pixels = np.asarray(slide.read_region((0, 0), 0, (1024, 1024)).convert("RGB"))
        objects = series_of(pixels, str(i), folder / "series")
        service.files |= objects
        tcga = case in TCGA
        facts = ("tcga_brca", case, str(i), "FFPE HE TP DX1") if tcga else ("gtex", case, str(i), "PG PE HE")
        listed.append((*facts, names[case].removesuffix(".U"), "Breast" if tcga else "Colon", "SM"))
        listed[-1] += (sum(map(len, objects.values())),)
    return listed


def slide_row(folder: Path, name: str, case: str) -> dict[str, str]:
    """A row as the demo draws it."""
    return {"slide_id": name, "case_id": case, "path": str(folder / f"{name}.svs"), "objective": "20", "special": ""}


def star_counts(folder: Path, case: str) -> Path:
    """The counts of a case as the GDC has them."""
    return folder / f"omics/star_counts/{case}.rna_seq.augmented_star_gene_counts.tsv"


def gtex_expression(samples: dict[str, Path]) -> dict[str, bytes]:
    """GTEx's table of samples, and its GCT with the TPM of all of them."""
    tables = {name: read_tsv(path).iloc[4:] for name, path in samples.items()}
    first = next(iter(tables.values()))
    gct = pd.DataFrame({"Name": first.gene_id, "Description": first.gene_name})
    gct = gct.assign(**{name: table.tpm_unstranded for name, table in tables.items()})
    text = f"#1.2\n{len(gct)}\t{len(samples)}\n" + gct.to_csv(sep="\t", index=False)
    listed = "SAMPID\tSMTS\tSMAFRZE\n" + "".join(f"{name}\tColon\tRNASEQ\n" for name in samples)
    return {"/bulk/tpm.gct.gz": gzip.compress(text.encode(), mtime=0), "/samples.txt": listed.encode()}


def splits(rows: list[dict[str, str]], folder: Path) -> dict[str, bytes]:
    """Files of each of the paper's tasks: labels of the demo's task under the paper's names."""
    files = {}
    for task, drawn in TASKS.items():
        source, name = task.split("--")
        make_tasks([row for row in rows if row["case_id"] in PROBED[source]], folder / source, SEED, folds=3)
        for file in ("config.yaml", "k=all.tsv"):
            text = (folder / source / drawn / file).read_text()
            files[f"{source}/{name}/{file}"] = text.replace(drawn, name).encode() if name != "OS" else text.encode()
    return files


def join_sheets(folder: Path, service) -> None:
    """slides.tsv and profiles.tsv of the project: what the services listed, and a row per slide of the tasks' cohorts.

    The archive of one of the cohorts announces size and MD5, that of the other the address alone.
    """
    listed = read_tsv(folder / "resources/sheets/slides.tsv")
    rows = []
    for cohort, cases in PROBED.items():
        for case in cases:
            path = f"/cohorts/{case}-1.svs"
            digest_and_size = [hashlib.md5(service.files[path]).hexdigest(), str(len(service.files[path]))]
            digest_and_size = digest_and_size if cohort == "mut-het-rcc" else ["", ""]
            values = [f"{case}-1", case, f"resources/downloads/{cohort}/{case}-1.svs", cohort, service.address + path]
            rows.append(dict(zip(COHORT_COLUMNS, [*values, *digest_and_size], strict=True)))
    joined = pd.concat([listed, pd.DataFrame(rows)], ignore_index=True).fillna("")
    joined.to_csv(folder / "slides.tsv", sep="\t", index=False)
    (folder / "profiles.tsv").write_bytes((folder / "resources/sheets/profiles.tsv").read_bytes())


def run(folder: Path, repository: Path, hub: str, tokens: dict[str, str], *arguments: str):
    """The workflow with config/public and the project's file over it, on two cores; stdout and stderr together."""
    command = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
    command += [*arguments, "--configfile", repository / "config/public/config.yaml", "config.json", "--cores", "2"]
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("HF_", "HUGGING"))}
    settings = {"OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1", "HF_HUB_DISABLE_XET": "1", "HF_ENDPOINT": hub}
    settings["AWS_ENDPOINT_URL"] = json.loads((folder / "config.json").read_text())["acquire"]["gdc_api"]
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=kept | settings | {"HF_HOME": str(folder / "hub")} | tokens,
    )


def write_config(folder: Path, address: str, index: list[tuple]) -> None:
    """The project's own file of settings, and the IDC's index."""
    write_index(folder / "index", index)
    (folder / "config.json").write_text(json.dumps(config_of(address)))
