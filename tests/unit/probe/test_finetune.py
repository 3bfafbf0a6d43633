"""Fine-tuning: schedule, losses and sizes against plain computations; planted tasks; folds that fail or were done."""

import math

import numpy as np
import pytest
import torch
from molpath.embed.foreign import ChiefPooling
from molpath.pretrain.network import SlideEncoder
from molpath.probe import recipes
from molpath.probe.finetune import FineTuning
from molpath.probe.probes import ProbeFailed
from molpath.probe.results import AT_CHANCE
from molpath.probe.tasks import Task
from molpath.probe.trainable import Abmil, Classifier, builder
from molpath.probe.training_side import training_values
from schema_defaults import defaults_of
from sklearn.metrics import roc_auc_score

pytestmark = pytest.mark.usefixtures("one_thread")
PAPER = defaults_of("probe")["finetune"]
QUICK = {
    "epochs": 6, "warmup_epochs": 0, "learning_rate": 3e-3, "final_learning_rate": 1e-8, "weight_decay": 1e-5,
    "patches": 8, "precision": "fp32",
}  # fmt: skip


def test_defaults_are_the_papers_recipe():
    assert PAPER["recipes"]["threads"] == {
        "epochs": 5, "warmup_epochs": 1, "learning_rate": 2.5e-5, "final_learning_rate": 1e-6, "weight_decay": 0,
        "patches": 2048, "precision": "bf16",
    }  # fmt: skip
    assert PAPER["recipes"]["chief"] == PAPER["recipes"]["threads"] | {"precision": "fp32"}
    assert PAPER["recipes"]["abmil"] == {
        "epochs": 20, "warmup_epochs": 0, "learning_rate": 3e-4, "final_learning_rate": 1e-8, "weight_decay": 1e-5,
        "patches": 2048, "precision": "fp32",
    }  # fmt: skip
    assert (PAPER["seed"], PAPER["survival_outputs"], PAPER["patches_at_test"]) == (7, 4, "all")


def test_learning_rate_warms_up_and_falls_as_a_cosine():
    recipe = PAPER["recipes"]["threads"]
    assert recipes.learning_rate(0, recipe) == 0
    assert recipes.learning_rate(0.25, recipe) == pytest.approx(2.5e-5 / 4)
    assert recipes.learning_rate(1, recipe) == pytest.approx(2.5e-5)
    assert recipes.learning_rate(3, recipe) == pytest.approx((2.5e-5 + 1e-6) / 2)  # half way between epochs 1 and 5
    assert recipes.learning_rate(5, recipe) == pytest.approx(1e-6)
    # torch's own cosine, a step at a time over 2 epochs of 7 bags
    recipe = PAPER["recipes"]["abmil"] | {"epochs": 2}
    parameter = torch.nn.Parameter(torch.zeros(1))
    optimiser = torch.optim.AdamW([parameter], lr=3e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=14, eta_min=1e-8)
    for step in range(14):
        expected = optimiser.param_groups[0]["lr"]
        assert recipes.learning_rate(step / 7, recipe) == pytest.approx(expected, rel=1e-9)
        optimiser.step()
        schedule.step()


def test_cross_entropy_is_balanced_though_a_batch_is_one_bag():
    labels = np.array([0] * 6 + [2] * 2)
    weights = recipes.class_weights(labels, 3)
    np.testing.assert_allclose(weights, [8 / (2 * 6), 0, 8 / (2 * 2)])
    logits = np.random.default_rng(0).normal(size=(8, 3))
    losses = [recipes.cross_entropy(torch.tensor(a), int(y), weights[y]) for a, y in zip(logits, labels, strict=True)]
    whole = torch.nn.functional.cross_entropy(
        torch.tensor(logits), torch.tensor(labels), torch.tensor(weights), reduction="sum"
    )
    assert float(sum(losses)) == pytest.approx(float(whole))


def test_survival_loss_and_risk_by_hand():
    times, events = np.array([10, 20, 30, 40, 50.0, 1000]), np.array([1, 1, 1, 1, 1, 0], bool)
    np.testing.assert_allclose(recipes.time_bins(times, events), [20, 30, 40])  # the censored one doesn't count
    logits = [0.3, -0.4, 1.1, 0.2]
    hazards = [1 / (1 + math.exp(-x)) for x in logits]
    curve, left = [], 1.0
    for hazard in hazards:
        left *= 1 - hazard
        curve.append(left)
    tensor = torch.tensor(logits, dtype=torch.double)
    for interval in range(4):
        before = 1.0 if interval == 0 else curve[interval - 1]
        event = float(recipes.survival_nll(tensor, interval, True))
        assert event == pytest.approx(-math.log(before) - math.log(hazards[interval]))
        assert float(recipes.survival_nll(tensor, interval, False)) == pytest.approx(-math.log(curve[interval]))
    assert recipes.survival_risk(tensor[None]).tolist() == [pytest.approx(-sum(curve))]
    certain = torch.tensor([60.0, 0, 0, 0], dtype=torch.double)  # survival of 0 is kept above 1e-7
    assert float(recipes.survival_nll(certain, 2, False)) == pytest.approx(-math.log(1e-7))


def parameters(network) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def test_numbers_of_parameters():
    assert parameters(Abmil()) == 2 * (768 * 768 + 768) + (768 * 512 + 512) + (512 + 1) == 1_575_425
    assert parameters(Classifier(Abmil(), 768, 30)) == 1_575_425 + 769 * 30
    assert parameters(Classifier(SlideEncoder(768), 1024, 2)) == 11_290_626 + 1025 * 2
    assert parameters(ChiefPooling()) == 769 * 512 + 2 * 513 * 256 + 257


def test_abmil_without_dropout_by_hand():
    torch.manual_seed(0)
    network = Abmil(6, hidden=5).eval()
    x = torch.randn(9, 6)
    weights = {name: value.double().numpy() for name, value in network.state_dict().items()}

    def linear(name, y):
        return y @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]

    def gelu(y):
        return y * 0.5 * (1 + np.vectorize(math.erf)(y / math.sqrt(2)))

    hidden = gelu(linear("before.0", x.double().numpy()))
    scores = linear("score.3", np.tanh(linear("score.0", hidden)))[:, 0]
    shares = np.exp(scores) / np.exp(scores).sum()
    np.testing.assert_allclose(network(x).detach(), gelu(linear("after.0", shares @ hidden)), atol=1e-6)


def planted(n=48, folds=3, seed=0, survival=False):
    """A task whose class 1 has a marked fifth of its patches, and bags of 10 to 20 patches of 12 numbers."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n) % 2
    bags = []
    for label in labels:
        x = rng.normal(size=(rng.integers(10, 20), 12)).astype(np.float32)
        x[: max(2, len(x) // 4), :3] += 3.0 * label
        bags.append(x)
    sides = np.full((n, folds), "train", object)
    sides[np.arange(n), np.arange(n) // 2 % folds] = "test"
    task = Task("toy--y", "case_id", [f"C{i}" for i in range(n)], labels, ["a", "b"], sides, ["macro-ovr-auc"])
    if survival:
        task.times = np.where(labels, 30, 600) * rng.lognormal(0, 0.4, n)
        task.events = rng.random(n) < 0.8
    return task, bags


def tuning(task, bags, recipe=QUICK, outputs=2, seed=7, **options):
    make = builder({"kind": "abmil"}, [], 12, outputs)
    return FineTuning(task, make, lambda i: bags[i], recipe, seed=seed, **options)


def auc_of(task, bags, labels=None):
    """Mean area under the curve over folds, by counting pairs."""
    if labels is not None:
        task.labels = labels
    values = []
    for fold in range(task.folds.shape[1]):
        train, test = (np.flatnonzero(task.folds[:, fold] == side) for side in ("train", "test"))
        scores, y = tuning(task, bags).predict(fold, train, test).test[:, 1], task.labels[test]
        pairs = scores[y == 1][:, None] - scores[y == 0]
        values.append(((pairs > 0) + 0.5 * (pairs == 0)).mean())
    return np.mean(values)


def test_abmil_learns_a_planted_task_and_nothing_of_permuted_labels():
    task, bags = planted()
    assert auc_of(task, bags) > 0.9
    shuffled = [auc_of(*planted(), np.random.default_rng(seed).permutation(task.labels)) for seed in range(4)]
    assert abs(np.mean(shuffled) - 0.5) < 0.15, shuffled


def test_survival_finds_a_planted_risk():
    task, bags = planted(n=150, survival=True)
    train, test = (np.flatnonzero(task.folds[:, 0] == side) for side in ("train", "test"))
    risk = tuning(task, bags, QUICK | {"epochs": 20}, outputs=4).predict(0, train, test).test
    assert risk[task.labels[test] == 1].mean() > risk[task.labels[test] == 0].mean() + 0.5
    eight = tuning(task, bags, QUICK | {"epochs": 1}, outputs=8).predict(0, train, test).test
    assert eight.shape == risk.shape
    assert (eight >= -8).all()
    task.events[:] = False
    with pytest.raises(ProbeFailed, match="no event on the training side"):
        tuning(task, bags, outputs=4).predict(0, train, test)


def test_same_seed_same_bytes_and_another_seed_others():
    task, bags = planted(n=12)
    sides = np.arange(8), np.arange(8, 12)
    first, two, other = (tuning(task, bags, seed=seed).predict(0, *sides).test for seed in (7, 7, 8))
    assert first.tobytes() == two.tobytes()
    assert first.tobytes() != other.tobytes()


def test_training_draws_patches_and_the_test_side_sees_all_unless_asked():
    task, bags = planted(n=6)
    calls = []

    class Looks(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.head = torch.nn.Linear(12, 2)

        def forward(self, x):
            calls.append((self.training, len(x), len(torch.unique(x, dim=0))))
            return self.head(x.mean(0))

    for sample_test in (False, True):
        calls.clear()
        FineTuning(task, Looks, lambda i: bags[i], QUICK | {"epochs": 2}, sample_test=sample_test).predict(
            0, np.arange(4), np.arange(4, 6)
        )
        assert [row for row in calls if row[0]] == [(True, 8, 8)] * 8  # 2 epochs of 4 bags, 8 different patches each
        looked = [size for training, size, _ in calls if not training]
        assert looked[:2] == ([8, 8] if sample_test else [len(bags[4]), len(bags[5])])
        assert looked[2:] == [8] * 4  # the training side, as it was trained on


def test_a_fold_that_diverges_or_has_one_class_says_so():
    task, bags = planted(n=12)
    bags[3] = bags[3] * np.nan
    with pytest.raises(ProbeFailed, match="diverged in epoch 1: the loss is nan"):
        tuning(task, bags).predict(0, np.arange(8), np.arange(8, 12))
    with pytest.raises(ProbeFailed, match="one class only"):
        tuning(task, bags).predict(0, np.arange(0, 8, 2), np.arange(8, 12))


def test_a_network_that_learned_nothing_says_so_of_its_training_side():
    task, bags = planted()
    train, test = np.flatnonzero(task.folds[:, 0] == "train"), np.flatnonzero(task.folds[:, 0] == "test")
    values = {}
    for name, rate in (("taught", QUICK["learning_rate"]), ("untaught", 1e-9)):
        trained = tuning(task, bags, QUICK | {"epochs": 10, "learning_rate": rate}).predict(0, train, test)
        values[name], note = training_values(task, train, trained)
        assert note == ("" if name == "taught" else AT_CHANCE)
        auc = roc_auc_score(task.labels[train], trained.train[:, 1])
        assert values[name]["train_macro-ovr-auc"] == pytest.approx(auc)
        assert values[name]["train_steps"] == 10 * len(train)
    assert values["untaught"]["train_loss"] == pytest.approx(math.log(2), abs=0.1)
    assert values["taught"]["train_loss"] < 0.5
