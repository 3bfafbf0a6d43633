"""What the first page of the results says: the same counts, losses and cautions as the end of a run."""

import os
import re
from pathlib import Path

import pytest
from molpath.study import Study
from projects import write_table


@pytest.fixture
def study(project, monkeypatch) -> Study:
    """Eight slides of which two were set aside, a leak, and nothing else."""
    project.write()
    monkeypatch.chdir(project.folder)
    monkeypatch.setenv("COLUMNS", "110")
    study = Study.open("config.yaml")
    rows = [
        {"slide_id": f"S{k}", "status": "set_aside" if k < 2 else "ok", "reason": "unreadable" if k < 2 else ""}
        | {"detail": ""}
        for k in range(8)
    ]
    for number, path in enumerate(("slides/00000.tsv", "tissue/00000.tsv")):
        write_table(Path("results") / path, rows)
        os.utime(Path("results") / path, (1000 + number, 1000 + number))
    leak = {"case_id": "C1", "run": "one", "task": "here--grade", "action": "error"}
    write_table(Path("results/omics/leakage.tsv"), [leak])
    return study


def test_facts_are_those_of_the_end_of_a_run(study):
    facts = study.first_page.facts()
    assert facts["counts"] == {"slides": 8, "cases": 8, "models": 2, "runs of pretraining": 1, "tasks": 1}
    outcome = re.sub(r"\s+", " ", study.outcome.now())
    for sentence in [*facts["losses"], *facts["cautions"]]:
        assert re.sub(r"\s+", " ", sentence.replace(" in stage ", " ")) in outcome, sentence
    assert facts["losses"][1].startswith("2 in stage slides, unreadable: ")
    assert facts["losses"][0] == "Set aside: 2 of 8 slides"
    assert facts["cautions"][0].startswith("leakage: 1 cases are in pretraining and on a test side: C1")
    for row in facts["stages"]:
        assert re.search(r"\s+".join(map(re.escape, filter(None, row))), outcome), row
    assert ["slides", "", "6", "2", ""] in facts["stages"]
    assert facts["methods"] == study.methods()


def test_facts_do_not_depend_on_the_terminal(study, monkeypatch):
    facts = study.first_page.facts()
    monkeypatch.setenv("COLUMNS", "40")
    assert study.first_page.facts() == facts


def test_the_best_figure_comes_first_and_all_have_labels(study):
    facts = study.first_page.facts()
    assert facts["figures"][:2] == ["label_curve", "tasks"]
    assert facts["shown"]["label_curve"][0] == "6 Protocols"
    assert all(facts["shown"][name][1] for name in facts["figures"])


def test_the_page_and_the_gallery_are_targets(study):
    assert "<results>/index.html" in study.targets.all()
    assert "<results>/index.html" in study.targets.first_page
    assert "<results>/gallery.html" in study.targets.report()
    maps = [f"<results>/figures/embedding_maps/{model}.html" for model in study.models.used]
    assert maps
    assert set(maps) <= set(study.targets.report())
    assert study.targets.table_of_slides() == ["<results>/tables/slides.tsv"]
