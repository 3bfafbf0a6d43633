"""The report's methods paragraph says what this config asks for, and nothing else."""

from pathlib import Path

from molpath.study import Study


def test_slides_runs_and_probes(project):
    project.write()
    methods = Study.open("config.yaml").methods()
    for part in ("Whole-slide images were inspected", "log2(TPM + 1)", "Slide encoders were pretrained", "C = 0.5"):
        assert part in methods, methods
    assert "were given" not in methods


def test_given_features_were_not_inspected_or_encoded(project):
    Path("features").mkdir()
    for encoder in project.config["features"]["encoders"].values():
        encoder.clear()
        encoder.update({"adapter": "precomputed", "folder": "features"})
    project.write()
    methods = Study.open("config.yaml").methods()
    assert methods.startswith("Features of patches were given (")
    assert not [word for word in ("inspected", "segmented", "encoded") if word in methods]


def test_without_runs_and_tasks_nothing_is_reported_of_them(project):
    project.config["pretrain"]["use"] = []
    project.config["embed"]["models"] = {"mean": project.config["embed"]["models"]["mean"]}
    project.config["embed"]["use"] = ["mean"]
    project.config["probe"] = {}
    project.write()
    methods = Study.open("config.yaml").methods()
    assert not [word for word in ("pretrained", "probe", "evaluated") if word in methods]
