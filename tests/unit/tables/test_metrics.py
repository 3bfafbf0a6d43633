"""Tables of the report: models side by side, seeds, failures, and nothing unescaped."""

import pandas as pd
import pytest
from molpath.common.files import read_tsv, write_tsv
from molpath.probe.results import AT_CHANCE
from molpath.tables.gains import sweep
from molpath.tables.metrics import collect_metrics, compare_models
from molpath.tables.scores import kind_of, read_metrics, seed_of, tasks_won
from packed_pages import unpacked


def summary(path, model, mean, task="s--t", group="frozen"):
    row = {"task": task, "model": model, "group": group, "protocol": "logistic", "shots": 0, "metric": "auc"}
    row |= {"mean": mean, "se": 0.01, "lower": mean - 0.1, "upper": mean + 0.1, "interval": "i", "n_folds": 5}
    row |= {
        "n_failed": 0,
        "n_empty": 0,
        "n_fits": 5,
        "chance": 0.5,
        "p_permuted": 0.05,
        "n_train": 8,
        "n_test": 2,
        "primary": 1,
        "n_samples": 10,
        "n_missing": 0,
    }
    write_tsv(path, pd.DataFrame([row]))
    return path


def test_models_side_by_side_and_escaped(tmp_path):
    paths = [
        summary(tmp_path / "a", "threads-s0", 0.7),
        summary(tmp_path / "b", "threads-s1", 0.8),
        summary(tmp_path / "c", "mean", float("nan")),
    ]
    collect_metrics(summaries=paths, families={"s--t": "molecular"}, output=tmp_path / "metrics.tsv")
    models = ["mean", "threads-s0", "threads-s1"]
    outputs = {name: tmp_path / name for name in ("comparison", "seeds", "page")}
    kinds = {"mean": ["mean", ""], "threads-s0": ["threads", "s0"], "threads-s1": ["threads", "s1"]}
    compare_models(metrics=tmp_path / "metrics.tsv", models=kinds, note="<b>synthetic", **outputs)
    table = read_tsv(outputs["comparison"])
    assert table.loc[0, models].tolist() == ["no result", "0.700 (0.600 to 0.800)", "0.800 (0.700 to 0.900)"]
    seeds = read_tsv(outputs["seeds"])
    assert seeds[seeds.kind == "threads"].seed.tolist() == ["s0", "s1"]
    page = outputs["page"].read_text()
    assert "<b>" not in page
    assert "&lt;b&gt;synthetic" in page


def test_a_transfer_and_prompts_of_one_id_have_families_of_their_own(tmp_path):
    paths = [summary(tmp_path / group, "mean", 0.7, "a==b--t", group) for group in ("transfer", "prompt")]
    families = {"transfer/a==b--t": "transfer", "prompt/a==b--t": "prompting"}
    collect_metrics(summaries=paths, families=families, output=tmp_path / "metrics.tsv")
    assert read_tsv(tmp_path / "metrics.tsv").family.tolist() == ["transfer", "prompting"]


def test_a_name_alone_is_no_seed():
    models = {"threads-s1": ["threads", "s1"], "mean-vit-s16": ["mean-vit-s16", ""]}
    assert [kind_of(name, models) for name in models] == ["threads", "mean-vit-s16"]
    assert [seed_of(name, models) for name in models] == ["s1", ""]
    assert kind_of("mean-vit-s8", ["mean-vit-s8"]) == "mean-vit-s8"


def test_the_best_model_wins_its_tasks_whatever_it_is_called():
    """Models of two sizes are not averaged for ending like seeds."""
    scores = {"mean-dino_vit-s16": [0.9, 0.9], "mean-dino_vit-s8": [0.5, 0.5], "chief": [0.8, 0.8]}
    won = tasks_won(pd.DataFrame(scores, index=["one", "two"]), {name: [name, ""] for name in scores})
    assert won.to_dict() == {"mean-dino_vit-s16": 2, "mean-dino_vit-s8": 0, "chief": 0}


def test_the_sweep_averages_tasks_that_every_model_and_strength_has():
    rows = [
        {"task": task, "model": model, "protocol": f"logistic_C={c}", "mean": mean}
        for c in ("0.1", "10")
        for task, means in {"easy": (0.9, 0.95), "hard": (0.5, 0.6)}.items()
        for model, mean in zip(("mean", "threads"), means, strict=True)
    ]
    table = pd.DataFrame(rows).assign(primary=1, group="frozen", n_fits=5, n_failed=0, n_empty=0)
    lost = (table.task == "hard") & (table.model == "mean") & (table.protocol == "logistic_C=10")
    table.loc[lost, ["mean", "n_failed"]] = float("nan"), 5
    swept = sweep(table, ["mean", "threads"], 0.1).set_index(["C", "kind"])
    assert set(swept.tasks) == {1}
    assert swept["mean"].round(2).to_dict() == {
        ("0.1", "mean"): 0.9, ("0.1", "threads"): 0.95, ("10", "mean"): 0.9, ("10", "threads"): 0.95,
    }  # fmt: skip


def test_a_file_of_an_earlier_version_is_named_with_what_to_do(tmp_path):
    path = summary(tmp_path / "metrics.tsv", "mean", 0.7)
    write_tsv(path, read_tsv(path).drop(columns=["p_permuted", "chance"]))
    with pytest.raises(ValueError, match=r"metrics.tsv, header: no column chance, p_permuted.*delete .*metrics.tsv"):
        read_metrics(path)


def test_a_network_that_learned_nothing_and_a_control_off_chance_are_in_the_table(tmp_path):
    note = f"{AT_CHANCE} in 3 of 5 fits"
    paths = [summary(tmp_path / name, name, 0.6) for name in ("threads", "mean")]
    write_tsv(paths[0], read_tsv(paths[0]).assign(protocol="finetune", group="finetune", note=note))
    off = "permuted labels are off chance: auc 0.600 (0.550 to 0.650), chance 0.5"
    write_tsv(paths[1], read_tsv(paths[1]).assign(protocol="permuted", note=off))
    collect_metrics(summaries=paths, families={"s--t": "molecular"}, output=tmp_path / "metrics.tsv")
    outputs = {name: tmp_path / name for name in ("comparison", "seeds", "page")}
    compare_models(metrics=tmp_path / "metrics.tsv", models=["mean", "threads"], note="", **outputs)
    assert read_tsv(outputs["comparison"]).threads[0] == f"0.600 (0.500 to 0.700), {AT_CHANCE}"
    page = unpacked(outputs["page"].read_text())
    assert note in page
    assert off in page


def test_summaries_without_a_row_give_empty_tables_with_a_sentence(tmp_path, caplog):
    """As a few-shot job writes it where no class has enough samples."""
    columns = ["task", "model", "group", "primary", "n_samples", "n_missing", "chance", "p_permuted"]
    write_tsv(tmp_path / "summary.tsv", pd.DataFrame(columns=columns))
    metrics = str(tmp_path / "metrics.tsv")
    collect_metrics(summaries=[str(tmp_path / "summary.tsv")], families={"s--t": "f"}, output=metrics)
    assert len(read_metrics(metrics)) == 0
    assert "No probe has a score" in caplog.text
    outputs = {name: str(tmp_path / name) for name in ("comparison", "seeds", "page")}
    compare_models(metrics=metrics, models=["a"], note="", **outputs)
    assert "No probe has a score" in (tmp_path / "page").read_text()
