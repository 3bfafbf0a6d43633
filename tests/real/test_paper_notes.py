"""Tables of resources/ against our notes on the paper (threads-paper.md next to the real data), cell by cell."""

import csv
import re

import pytest

MODELS = ("mean-virchow", "mean-gigapath", "mean-ctranspath", "mean-conch_v15", "prism", "gigapath", "chief", "threads")
METRICS = {"BA": "bacc", "QWK": "weighted_kappa", "AUC": "macro-ovr-auc", "C": "cindex"}
SPLITS = {"official 1 fold": ("official", "1"), "5-fold": ("cross_validation", "5"), "50 MC": ("monte_carlo", "50")}
UNITS = {"WSI": "slide_id", "pt": "case_id"}
ORGANS = {"Head & neck": "Head and neck", "Breast (met.)": "Breast (metastatic)"}


@pytest.fixture(scope="module")
def notes(shared_data):
    path = shared_data.parent / "threads-paper.md"
    if not path.is_file():
        pytest.skip(f"the notes on the paper are absent: {path}")
    return path.read_text()


@pytest.fixture(scope="module")
def resources(repository):
    def read(name):
        with open(repository / "resources" / name, encoding="utf-8") as handle:
            return list(csv.DictReader((line for line in handle if line[0] != "#"), delimiter="\t"))

    return read


def numbered(notes: str) -> dict[int, list[str]]:
    """Cells of the tables of section 8, by the number of the task."""
    section = notes[notes.index("## 8. The 54 tasks") : notes.index("### 8.6")]
    lines = [line for line in section.splitlines() if re.match(r"\| \d+ \|", line)]
    rows = [[cell.strip(" `") for cell in line.strip("|").split("|")] for line in lines]
    return {int(row[0]): row for row in rows}


def test_public_tasks(notes, resources):
    rows = numbered(notes)
    assert len(rows) == 54
    for task in resources("tasks/tasks.tsv")[:42]:
        _, name, organ, unit, classes, metric, split, size, table, *_ = rows[int(task["number"])]
        assert (name, ORGANS.get(organ, organ), UNITS[unit]) == (task["task"], task["organ"], task["unit"])
        assert (classes if classes.isdigit() else "", METRICS[metric]) == (task["n_classes"], task["metric"]), name
        assert SPLITS[split] == (task["split"], task["folds"]), name
        numbers, words = re.findall(r"\d+", size.replace(",", "")), re.findall("pt|WSI", size)
        counts = dict(zip(words, numbers * (1 + ("=" in size)), strict=True))
        assert counts == {word: task[key] for word, key in (("pt", "n_cases"), ("WSI", "n_slides")) if task[key]}, name
        assert f"ED Table {table[1:]}" == task["table"], name


def test_in_house_tasks(notes, resources):
    scores = {row["task"]: row for row in resources("published/linear_probe.tsv") if row["model"] == "threads"}
    for task in resources("tasks/tasks.tsv")[42:]:
        _, _, unit, size, metric, split, score = numbered(notes)[int(task["number"])]
        assert (UNITS[unit.split(" /")[0]], METRICS[metric]) == (task["unit"], task["metric"])
        assert SPLITS[split] == (task["split"], task["folds"])
        assert size.replace(",", "").split()[0] == (task["n_cases"] or task["n_slides"])
        match = re.match(r"(\.\d+)(?: ±(\.\d+))?", score)
        published = scores[task["task"]]
        if match:
            assert float(match[1]) == float(published["score"]), task["task"]
            assert match[2] in (None, published["se"].removeprefix("0")), task["task"]
        else:
            assert published["score"] == "", task["task"]


def test_scores_of_the_linear_probe(notes, resources):
    tasks = {row["task"]: numbered(notes)[int(row["number"])] for row in resources("tasks/tasks.tsv")[:42]}
    compared = 0
    for row in resources("published/linear_probe.tsv"):
        if row["task"] not in tasks:
            continue
        cell = tasks[row["task"]][9 + MODELS.index(row["model"])]
        score, first, last = re.fullmatch(r"\*{0,2}(\.\d+)\*{0,2}(?: (?:±(\.\d+)|\((\S+)\)))?", cell).groups()
        assert float(score) == float(row["score"]), (row["task"], row["model"])
        assert not first or float(first) == float(row["se"]), row["task"]
        assert not last or [float(x) for x in last.split("–")] == [float(row["lower"]), float(row["upper"])]
        compared += 1
    assert compared == 42 * 8


def test_transfer_and_clustering(notes, resources):
    section = notes[notes.index("### 9.4") : notes.index("### 9.6")]
    order = {"prism": 0, "gigapath": 1, "chief": 2, "threads": 3}
    listed = re.findall(r"(?:; |\n)([\w ]+?) (\?[^/]*|\.\d+)/(\.\d+)/(\.\d+)/(\.\d+)", section)
    cells = {name: values for name, *values in listed}
    assert len(cells) == 9
    scores = {(row["task"], row["model"]): row["score"] for row in resources("published/transfer.tsv")}
    ends = {"BAP1": "BAP1_mutation", "PBRM1": "PBRM1_mutation", "IDH": "idh_status", "ER": "--er", "PR": "--pr"}
    ends |= {"breast subtype": "mgb_breast--subtype", "lung subtype": "mgb_lung--subtype"}
    ends |= {"LUAD OS": "cptac_luad--OS", "PDAC OS": "cptac_pda--OS"}
    for name, values in cells.items():
        for model, place in order.items():
            published = next(v for (task, named), v in scores.items() if task.endswith(ends[name]) and named == model)
            assert (published or "?")[: 1 if not published else None].removeprefix("0") == values[place][:4].split("(")[
                0
            ]
    text = section[section.index("Clustering ARI/MI") :]
    for cohort, task in (("CPTAC", "cptac_all--organ"), ("EBRAINS", "ebrains--diagnosis")):
        pairs = re.findall(r"(\.\d+)/(\d\.\d+)", text[text.index(cohort) :])[:4]
        for model, pair in zip(("threads", "prism", "gigapath", "chief"), pairs, strict=True):
            numbers = {
                row["metric"]: float(row["score"])
                for row in resources("published/clustering.tsv")
                if (row["task"], row["model"]) == (task, model)
            }
            assert (numbers["ari"], numbers["mi"]) == tuple(map(float, pair)), (task, model)


def test_sweep_of_c_adds_up_and_is_what_was_recovered(resources, shared_data):
    rows = resources("published/c_sweep.tsv")
    for strength in {row["C"] for row in rows}:
        rows_of_c = [row for row in rows if row["C"] == strength]
        (of,) = {int(row["of"]) for row in rows_of_c}
        assert sum(int(row["tasks"]) for row in rows_of_c) == of
        assert all(float(row["share"]) == pytest.approx(int(row["tasks"]) / of, abs=6e-4) for row in rows_of_c), (
            strength
        )
    path = shared_data.parent / "reference/paper-tables/c_sweep.tsv"
    if not path.is_file():
        pytest.skip(f"what was recovered of the paper's tables is absent: {path}")
    with open(path, encoding="utf-8") as handle:
        published = [row for row in csv.DictReader(handle, delimiter="\t") if row["figure_or_table"] == "ED Fig. 3b"]
    expected = {(row["k_or_setting"], row["model"]): (row["mean"], row["confidence"]) for row in published}
    assert {(f"C = {row['C']}", row["model"]): (row["share"], row["confidence"]) for row in rows} == expected
