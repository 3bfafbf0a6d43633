"""From acquisition to the published-vs-measured table: config/public in miniature, on services of this machine."""

import re

import pytest
from data_services import TOKEN as GDC_TOKEN
from data_services import serving
from hub_service import serving_hub
from molpath.common.files import read_tsv
from packed_pages import unpacked

from . import miniature
from .miniature import GTEX, MODELS, PROBED, TASKS, TCGA

pytestmark = pytest.mark.slow
HUB_TOKEN = "hf_secret-of-the-hub-0123456789"
#: An object of a TCGA slide's series, and one of a GTEx slide's.
CUT, FAILS = "/idc-open-data/uuid-1/1.dcm", f"/idc-open-data/uuid-{len(TCGA) + 1}/2.dcm"
N_SLIDES = len(TCGA) + len(GTEX) + sum(len(cases) for cases in PROBED.values())
FILES = ("published.tsv", "published_averages.tsv", "published.html", "published.md", "published.tex")
TARGETS = [*(f"results/tables/{name}" for name in FILES), "results/figures/published.svg"]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """The data services with the generated cohorts; `splits` is what the hub has."""
    with serving() as service:
        service.splits = miniature.fill(service, tmp_path_factory.mktemp("origin"))
        yield service


@pytest.fixture(scope="module")
def run(tmp_path_factory, server, repository):
    """The workflow in the project's folder, as a function of arguments; the folder is its `folder`."""
    folder = tmp_path_factory.mktemp("project")
    miniature.write_config(folder, server.address, server.index)
    (folder / "token").write_text(GDC_TOKEN)
    tokens = {"GDC_TOKEN_FILE": str(folder / "token"), "HF_TOKEN": HUB_TOKEN}
    with serving_hub(server.splits, HUB_TOKEN) as hub:

        def call(*arguments: str):
            return miniature.run(folder, repository, hub, tokens, *arguments)

        call.folder = folder
        yield call


@pytest.fixture(scope="module")
def project(run, server):
    """Both commands, on services that fail now and then."""
    server.faults |= {"/files": [503], "/samples.txt": [502]}
    done = run("sheets")
    assert done.returncode == 0, done.stdout[-3000:]
    miniature.join_sheets(run.folder, server)
    server.faults |= {CUT: [("cut", 1 << 17)], "/data/r1": [503], "/bulk/tpm.gct.gz": [503]}
    server.faults |= {FAILS: [500], "/cohorts/RCC00-1.svs": ["wrong"]}
    done = run(*TARGETS)
    assert done.returncode == 0, done.stdout[-6000:]
    return run.folder


def test_every_file_came_and_was_checked(project, server):
    manifests = sorted((project / "resources/downloads/manifests/slides").glob("*.tsv"))
    rows = [row for path in manifests for row in read_tsv(path).to_dict("records")]
    assert len(rows) == N_SLIDES
    assert {row["status"] for row in rows} == {"ok"}
    profiles = read_tsv(project / "profiles.tsv")
    assert len(profiles) == len(TCGA) + len(GTEX)
    assert {path: faults for path, faults in server.faults.items() if faults} == {}
    for name in (CUT, FAILS, "/cohorts/RCC00-1.svs"):
        assert server.count(name) > 1, name
    for task in TASKS:
        folder = project / "resources/patho-bench" / task.replace("--", "/")
        for name in ("config.yaml", "k=all.tsv"):
            assert (folder / name).read_bytes() == server.splits[f"{task.replace('--', '/')}/{name}"]


def test_slides_of_tcga_and_gtex_are_series_of_the_idc(project):
    slides = read_tsv(project / "resources/sheets/slides.tsv")
    assert sorted(slides.case_id) == sorted((*TCGA, *GTEX))
    assert all(url.startswith("s3://idc-open-data/") for url in slides.url)
    pairs = read_tsv(project / "results/omics/pairs.tsv")
    assert set(pairs[pairs.status == "paired"].case_id) >= {*TCGA, *GTEX}


def test_published_is_shown_next_to_measured(project, repository):
    rows = read_tsv(project / "results/tables/published.tsv")
    probed = rows[rows.protocol == "linear_probe"]
    assert {(row.task, row.model) for row in probed.itertuples()} == {(t, m) for t in TASKS for m in MODELS}
    paper = read_tsv(repository / "resources/published/linear_probe.tsv").set_index(["task", "model"])
    for row in probed.itertuples():
        assert float(row.published) == float(paper.loc[(row.task, row.published_model), "score"])
        assert float(row.difference) == pytest.approx(float(row.measured) - float(row.published))
        inside = float(row.measured_lower) <= float(row.published) <= float(row.measured_upper)
        assert row.covered == ("yes" if inside else "no")


def test_averages_say_what_they_lack(project):
    """Tasks whose fits came to something: a Cox model without coefficients, as few cases give, is no score."""
    rows = read_tsv(project / "results/tables/published_averages.tsv")
    metrics = read_tsv(project / "results/tables/metrics.tsv").query("group == 'frozen' and primary == '1'")
    first = metrics[metrics.protocol.isin(["logistic", "cox"])].astype({"n_fits": int, "n_empty": int})
    scored = first[first.n_fits - first.n_empty >= 0.8 * first.n_fits].groupby("model").task.nunique()
    assert set(scored) <= {2, 3}
    overall = rows[rows.scope == "all"]
    assert set(overall.model) == set(MODELS)
    page = unpacked((project / "results/tables/published.html").read_text())
    for row in overall.itertuples():
        assert (int(row.tasks), int(row.lacking)) == (scored[row.model], 54 - scored[row.model])
        assert f">{row.tasks} of 54<" in page
        assert f">{row.tasks} of 42<" in page
    assert set(overall.in_house) == {"12"}
    public = rows[rows.scope == "public"]
    assert public.tasks.tolist() == overall.tasks.tolist()
    assert set(zip(public.of, public.in_house, strict=True)) == {("42", "0")}
    assert "54 tasks, compared: 3; in-house and not obtainable: 12; not in this run: 39" in page
    assert "synthetic" in page
    for task in TASKS:
        assert task in page


def test_the_second_run_does_nothing(project, run, server):
    requests_before = len(server.requests)
    again = run(*TARGETS)
    assert "Nothing to be done" in again.stdout, again.stdout[-3000:]
    assert len(server.requests) == requests_before


def test_no_token_is_left_anywhere(project, server):
    assert any(headers.get("X-Auth-Token") == GDC_TOKEN for _, _, headers in server.requests)
    secret = re.compile(f"{GDC_TOKEN}|{HUB_TOKEN}".encode())
    wrong = [
        path
        for path in project.rglob("*")
        if path.is_file() and path != project / "token" and secret.search(path.read_bytes())
    ]
    assert wrong == []
