"""From accession to features and pairs in two commands, on a server of this machine that holds a synthetic cohort."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import anndata
import numpy as np
import openslide
import pytest
import yaml
from data_services import TOKEN, serving
from idc_bucket import series_of, write_index
from molpath.common.files import read_tsv

CASES = [f"TCGA-AA-000{i}" for i in range(1, 5)]
GRID = "20x_256px_0px_overlap"


def config_of(server) -> dict:
    run = {"grid": "main", "encoder": "tiny", "cohorts": ["TCGA"], "modalities": ["rna"]}
    return {
        "slides": {"sheet": "resources/sheets/slides.tsv", "slides_per_job": 3, "max_failed_fraction": 0.5},
        "tiles": {"grids": {"main": {"patch_size": 256}}},
        "features": {"encoders": {"tiny": {"adapter": "mean_colour"}}, "use": [{"grid": "main", "encoder": "tiny"}]},
        "omics": {"sheet": "resources/sheets/profiles.tsv"},
        "pretrain": {"runs": {"one": run}},
        "acquire": {
            "gdc": {"TCGA": {"projects": ["TCGA-XX"]}},
            "gdc_api": server.address,
            "profiles_per_job": 2,
            "attempts": 2,
            "wait_s": 0.05,
        },
    }


def snakemake(folder: Path, repository: Path, *arguments: str) -> subprocess.CompletedProcess:
    command = [Path(sys.executable).with_name("snakemake"), "--snakefile", repository / "workflow/Snakefile"]
    command += ["--configfile", "config.json", "--cores", "2", *arguments]
    settings = {"OMP_NUM_THREADS": "1", "NO_PROXY": "127.0.0.1"}
    settings["AWS_ENDPOINT_URL"] = yaml.safe_load((folder / "config.json").read_text())["acquire"]["gdc_api"]
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=os.environ | settings | {"GDC_TOKEN_FILE": str(folder / "token")},
    )


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """Four cases with a generated slide and STAR counts each, named as the GDC names them."""
    from molpath.demo.molecular import make_omics
    from molpath.demo.slide_files import make_slides

    folder = tmp_path_factory.mktemp("origin")
    names = [f"{case}-01Z-00-DX1.U{i}" for i, case in enumerate(CASES)]
    rows = [
        {"slide_id": name, "case_id": case, "path": str(folder / f"{name}.svs"), "objective": "20", "special": ""}
        for name, case in zip(names, CASES, strict=True)
    ]
    make_slides(rows, seed=1, size=(1024, 1024))
    make_omics(CASES, folder, seed=1)
    with serving() as service:
        for i, (name, case) in enumerate(zip(names, CASES, strict=True)):
            contents = (folder / f"{name}.svs").read_bytes()
            kind = {"data_type": "Slide Image", "experimental_strategy": "Diagnostic Slide"}
            service.add(f"s{i}", f"{name}.svs", contents, case, f"{case}-01Z", **kind)
            path = folder / f"omics/star_counts/{case}.rna_seq.augmented_star_gene_counts.tsv"
            kind = {"data_type": "Gene Expression Quantification", "analysis": {"workflow_type": "STAR - Counts"}}
            service.add(f"r{i}", path.name, path.read_bytes(), case, f"{case}-01A", **kind)
        yield service


@pytest.fixture(scope="module")
def project(tmp_path_factory, server, repository):
    """The two commands, on a service that fails now and then; case 2's slide and case 3's counts never come right."""
    folder = tmp_path_factory.mktemp("project")
    (folder / "config.json").write_text(json.dumps(config_of(server)))
    (folder / "token").write_text(TOKEN)
    early = snakemake(folder, repository, "features", "--dry-run")
    assert early.returncode != 0
    assert "`snakemake sheets` writes it" in early.stdout
    done = snakemake(folder, repository, "sheets")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "resources/sheets/slides.tsv: 4 rows" in done.stdout
    server.faults |= {"/data/s0": [("cut", 100_000)], "/data/r0": [503]}
    server.faults |= {"/data/s1": ["wrong", "wrong"], "/data/r2": ["wrong", "wrong"]}
    done = snakemake(folder, repository, "features", "omics")
    assert done.returncode == 0, done.stdout[-6000:]
    return folder


def test_slides_come_to_features_and_the_damaged_one_is_set_aside(project):
    inspected = read_tsv(project / "results/slides/00000.tsv")
    assert inspected.status.tolist() == ["ok", "set_aside", "ok"]
    assert inspected.reason.iloc[1] == "not_downloaded"
    assert "wrong_md5" in inspected.detail.iloc[1]
    features = project / f"results/wsi/{GRID}/features_tiny"
    assert sorted(path.name[:12] for path in features.glob("*.h5")) == [CASES[0], CASES[2], CASES[3]]


def test_profiles_that_came_are_normalised_and_paired(project):
    rna = anndata.read_h5ad(project / "results/omics/TCGA/rna.h5ad")
    assert sorted(rna.obs.case_id) == [CASES[0], CASES[1], CASES[3]]
    assert "TCGA-AA-0003-01A-rna" in (project / "results/logs/omics/TCGA/rna.log").read_text()
    pairs = read_tsv(project / "results/omics/pairs.tsv")
    assert set(pairs[pairs.status == "paired"].case_id) == {CASES[0], CASES[3]}


def test_no_token_is_left_anywhere(project, server):
    assert any(headers.get("X-Auth-Token") == TOKEN for _, _, headers in server.requests)
    wrong = [
        path
        for path in project.rglob("*")
        if path.is_file() and path != project / "token" and TOKEN.encode() in path.read_bytes()
    ]
    assert wrong == []


def test_a_second_run_asks_for_nothing(project, server, repository):
    requests_before = len(server.requests)
    done = snakemake(project, repository, "features", "omics")
    assert "Nothing to be done" in done.stdout, done.stdout[-3000:]
    assert len(server.requests) == requests_before


def test_files_of_a_folder_are_used_unchanged(project, server, repository, tmp_path):
    """Another working directory whose config names the first one's downloads: nothing is fetched again."""
    config = config_of(server)
    config["acquire"]["gdc"]["TCGA"]["folder"] = str(project / "resources/downloads/TCGA")
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "token").write_text(TOKEN)
    assert snakemake(tmp_path, repository, "sheets").returncode == 0
    before = [server.count(f"/data/s{i}") for i in (0, 2, 3)]
    manifest = "resources/downloads/manifests/slides/00000.tsv"
    done = snakemake(tmp_path, repository, manifest, "resources/downloads/manifests/slides/00001.tsv")
    assert done.returncode == 0, done.stdout[-3000:]
    assert [server.count(f"/data/s{i}") for i in (0, 2, 3)] == before
    assert read_tsv(tmp_path / manifest).status.tolist() == ["ok"] * 3  # the damaged one came this time


def test_other_settings_of_the_service_fetch_nothing_again(project, repository):
    config = json.loads((project / "config.json").read_text())
    config["acquire"] |= {"attempts": 3, "gdc_api": "http://127.0.0.1:2"}
    (project / "patient.json").write_text(json.dumps(config))
    done = snakemake(project, repository, "features", "omics", "--dry-run", "--configfile", "patient.json")
    assert "Nothing to be done" in done.stdout, done.stdout[-3000:]


def test_splits_of_a_task_are_fetched_before_it_is_probed(project, repository):
    config = json.loads((project / "config.json").read_text())
    config["embed"] = {"models": {"mean": {"kind": "mean", "grid": "main", "encoder": "tiny"}}, "use": ["mean"]}
    path = "resources/patho-bench/bracs/slidelevel_fine"
    config["probe"] = {"tasks": {"bracs--slidelevel_fine": {"path": path}}, "use": ["bracs--slidelevel_fine"]}
    (project / "probe.json").write_text(json.dumps(config))
    done = snakemake(project, repository, "probe", "--dry-run", "--configfile", "probe.json")
    assert done.returncode == 0, done.stdout[-3000:]
    assert "Fetching the splits of bracs/slidelevel_fine" in done.stdout


def test_bad_download_columns_are_reported_before_anything_starts(project, repository, tmp_path):
    (tmp_path / "token").write_text(TOKEN)
    config = json.loads((project / "config.json").read_text())
    (tmp_path / "resources/sheets").mkdir(parents=True)
    for name in ("slides", "profiles"):
        table = read_tsv(project / f"resources/sheets/{name}.tsv")
        table.loc[0, ["url", "md5", "bytes"]] = ["file:///etc", "abc", "-1"]
        table.to_csv(tmp_path / f"resources/sheets/{name}.tsv", sep="\t", index=False)
    config["acquire"]["gdc"]["TCGA"] = {"sample_types": []}
    (tmp_path / "config.json").write_text(yaml.safe_dump(config))
    assert "acquire/gdc/TCGA" in snakemake(tmp_path, repository, "--dry-run").stdout
    config["acquire"]["gdc"] = {}
    (tmp_path / "config.json").write_text(yaml.safe_dump(config))
    output = snakemake(tmp_path, repository, "--dry-run").stdout
    for sheet in ("slides", "profiles"):
        for column in ("url", "md5", "bytes"):
            assert f"{sheet}.tsv, row 2, column {column}" in output


def test_series_of_the_idc_become_slides_and_one_that_is_refused_can_be_tried_again(server, repository, tmp_path):
    """One series is cut and gone on with; one is forbidden for ever while the others come, and later is not."""
    listed = []
    for end in ("1", "2", "3"):
        (tmp_path / "made.svs").write_bytes(server.files[f"/data/s{end}"])
        with openslide.OpenSlide(tmp_path / "made.svs") as slide:
            pixels = np.asarray(slide.read_region((0, 0), 0, (1024, 1024)).convert("RGB"))
        objects = series_of(pixels, end, tmp_path / "origin")
        server.files |= objects
        name = f"TCGA-AA-000{end}-01Z-00-DX1"
        size = sum(map(len, objects.values()))
        listed.append(("tcga_brca", name[:12], end, "FFPE HE TP DX1", name, "Breast", "SM", size))
    config = config_of(server)
    del config["omics"], config["pretrain"]
    config["acquire"] |= {"gdc": {}, "idc": {"TCGA": {"collections": ["tcga_*"]}}} | write_index(tmp_path, listed)
    (tmp_path / "config.json").write_text(json.dumps(config))
    (tmp_path / "token").write_text(TOKEN)
    done = snakemake(tmp_path, repository, "sheets")
    assert "resources/sheets/slides.tsv: 3 rows" in done.stdout, done.stdout[-3000:]
    planned = snakemake(tmp_path, repository, "plan").stdout
    assert re.search(r"^acquire +slides +3 ", planned, re.M), planned
    server.faults["/idc-open-data/uuid-1/1.dcm"] = [("cut", 1 << 17)]
    server.always["/idc-open-data/uuid-2/2.dcm"] = 403
    done = snakemake(tmp_path, repository, "features")
    assert done.returncode == 0, done.stdout[-6000:]
    assert "1 of 3 files were refused and are set aside" in done.stdout
    features = tmp_path / f"results/wsi/{GRID}/features_tiny"
    assert sorted(path.name[:12] for path in features.glob("*.h5")) == [CASES[0], CASES[2]]
    output = snakemake(tmp_path, repository, "refused").stdout
    assert "refused.tsv: 1 files (1 denied)" in output
    assert "Nothing to be done" in snakemake(tmp_path, repository, "features").stdout
    server.always = {}
    assert "requests them again, in 1 jobs" in snakemake(tmp_path, repository, "retry_refused").stdout
    before = server.count("/idc-open-data/uuid-1/1.dcm"), server.count("/idc-open-data/uuid-2/1.dcm")
    done = snakemake(tmp_path, repository, "features")
    assert done.returncode == 0, done.stdout[-6000:]
    assert len(list(features.glob("*.h5"))) == 3, done.stdout[-6000:]
    assert (server.count("/idc-open-data/uuid-1/1.dcm"), server.count("/idc-open-data/uuid-2/1.dcm")) == before
