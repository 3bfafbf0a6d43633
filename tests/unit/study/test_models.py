"""Kinds of models: the same except for a seed, whatever they are called."""

from molpath.study import Study


def kinds(project, models: dict) -> dict:
    """Kind and seed of every model of a project that uses these."""
    project.config["embed"] = {"models": models, "use": list(models)}
    project.write()
    return Study.open("config.yaml").models.kinds()


def test_models_that_differ_in_their_seed_alone_are_one_kind(project):
    first = project.config["pretrain"]["runs"]["one"]
    project.config["pretrain"]["runs"] |= {"two": first | {"training": {"seed": 1}}}
    models = {name: {"kind": "threads", "run": run} for name, run in (("first", "one"), ("fine", "two"))}
    models |= {f"random-{seed}": {"kind": "random", "run": "one", "seed": seed} for seed in (4, 5)}
    assert kinds(project, models) == {
        "first": ["fi", "s0"],
        "fine": ["fi", "s1"],
        "random-4": ["random", "s4"],
        "random-5": ["random", "s5"],
    }


def test_names_that_end_like_seeds_are_no_seeds(project):
    project.config["features"]["encoders"] |= {f"vit_s{size}": {"adapter": "mean_colour"} for size in (8, 16)}
    models = {f"mean-vit-s{size}": {"kind": "mean", "grid": "main", "encoder": f"vit_s{size}"} for size in (8, 16)}
    assert kinds(project, models) == {"mean-vit-s8": ["mean-vit-s8", ""], "mean-vit-s16": ["mean-vit-s16", ""]}


def test_a_run_that_differs_in_more_is_another_kind(project):
    run = project.config["pretrain"]["runs"]["one"]
    project.config["pretrain"]["runs"] |= {"run-s1": run | {"training": {"seed": 1, "epochs": 3}}}
    models = {"threads-s0": {"kind": "threads", "run": "one"}, "threads-s1": {"kind": "threads", "run": "run-s1"}}
    assert kinds(project, models) == {"threads-s0": ["threads-s0", ""], "threads-s1": ["threads-s1", ""]}


def test_a_kind_never_takes_the_name_of_another_model(project):
    models = {name: {"kind": "random", "run": "one", "seed": i} for i, name in enumerate(("random-s0", "random-s1"))}
    kind_of = kinds(project, models | {"random": {"kind": "mean", "grid": "main", "encoder": "tiny"}})
    assert kind_of["random"] == ["random", ""]
    assert kind_of["random-s0"][0] == kind_of["random-s1"][0] == "random-s0"


def test_a_copy_is_no_further_seed(project):
    """A model of the same seed adds nothing to a mean over seeds: it stands alone."""
    models = {f"random-{name}": {"kind": "random", "run": "one", "seed": seed} for name, seed in (("a", 0), ("b", 1))}
    models |= {"copy": models["random-a"] | {"cases": "union"}, "twin": models["random-a"]}
    kind_of = kinds(project, models)
    assert kind_of["random-a"] == ["random", "s0"]
    assert kind_of["random-b"] == ["random", "s1"]
    assert kind_of["twin"] == ["twin", ""]
    assert kind_of["copy"] == ["copy", ""]


def test_a_number_with_a_point_is_the_same_number(project):
    first = project.config["pretrain"]["runs"]["one"]
    project.config["pretrain"]["runs"] |= {"two": first | {"training": {"seed": 1.0, "temperature": 1}, "fraction": 1}}
    project.config["pretrain"]["runs"]["one"] = first | {"training": {"temperature": 1.0}}
    models = {f"threads-{run}": {"kind": "threads", "run": run} for run in ("one", "two")}
    assert kinds(project, models) == {"threads-one": ["threads", "s0"], "threads-two": ["threads", "s1"]}
