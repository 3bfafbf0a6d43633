"""A large synthetic cohort of features and profiles, without slides: thousands of pairs in seconds.

    python -m molpath.demo.new_pairs <folder> [seed]

writes what a user of given features has: `slides.tsv`, `profiles.tsv`, `features/<slide>.h5` (TRIDENT's layout),
`expression.tsv` (log2 TPM + 1), `mutations.tsv`, tasks, and the truth, by case (`truth.tsv`) and by patch
(`patches.tsv`); beside them other cases to predict (`demo/new_pairs.py`). Each case has a level of each gene
programme. A small focus of a slide's patches is marked by one direction of feature space and carries the levels in
others; all other patches are background, whose composition and colour change from slide to slide more than the levels
do. So the mean over patches holds little of the levels, and attention that learns the mark holds nearly all. The
constants were chosen on seeds 0 and 1.

Cases come from four hospitals, which see cases of different immune levels. Task `panel_call` is confounded: its label
is what a hospital's panel reports, whatever the case, so that a model scores it by the case mix of the hospitals alone.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import h5py
import numpy as np
import pandas as pd

from ..common.files import write_text, write_tsv
from .genes import GENES, PROGRAMMES
from .molecular import gene_constants, gene_sets, weight_of
from .tasks import assign_folds, settings_of

PRETRAINED, PROBED = "PAIRS-A", "PAIRS-B"
#: Programmes with a morphology, and numbers of a patch.
LATENTS, DIM = tuple(PROGRAMMES)[:8], 48
PATCH, COLUMNS = 256, 12
#: What TRIDENT says about coordinates: level 0 at 20x.
PLACED = {"patch_size": PATCH, "patch_size_level0": PATCH, "overlap": 0}
PLACED |= {"level0_magnification": 20, "target_magnification": 20}
#: Share of a slide's patches in its focus; how strongly they are marked, and carry a level of one deviation.
SHARE, MARK, CARRIED = 0.1, 5.0, 1.5
#: Natural log of TPM that a level of one deviation adds to a gene; noise of a gene in a case.
SHIFT, GENE_NOISE = 0.5, 0.5
#: Task -> programme whose level it follows, and deviations of noise before it is cut at zero.
TASKS = {"immune": "immune", "KRAS_mutation": "mucin", "BRAF_mutation": "aggregates", "TP53_mutation": "necrosis"}
#: A task of three classes: the programme whose level, with that noise, is the highest.
DOMINANT = ("immune", "mucin", "necrosis")
LABEL_NOISE, FOLDS = 0.5, 5
FLAGS = 32
#: Hospitals by rising immune level of their cases; noise of that level before they are distinguished; the confounded
#: task, and how often each hospital's panel reports label 1.
SITES, SITE_PROGRAMME, SITE_NOISE = ("North", "East", "South", "West"), "immune", 0.5
CONFOUNDED, REPORTED = "panel_call", (0.15, 0.15, 0.85, 0.85)


class World(NamedTuple):
    """Shared by all cases of a seed: directions (rows of float64 N x DIM) of feature space, and kinds of tissue."""

    mark: np.ndarray
    carriers: np.ndarray
    colours: np.ndarray
    centres: np.ndarray


def write_pairs(folder: str | Path, seed: int = 0, pretrained: int = 2500, probed: int = 600) -> World:
    """Write the cohort below `folder`, the same bytes for the same arguments; its world, to draw further cases from."""
    folder = Path(folder)
    rng = np.random.default_rng([seed, 20])
    cases = [f"P{number + 1:05d}" for number in range(pretrained + probed)]
    levels = rng.normal(size=(len(cases), len(LATENTS)))
    world = draw_world(rng)
    write_tsv(folder / "patches.tsv", write_features(folder / "features", cases, levels, world, rng))
    cohorts = [PRETRAINED] * pretrained + [PROBED] * probed
    write_tsv(folder / "expression.tsv", expression(cases, levels, rng))
    write_tsv(folder / "mutations.tsv", mutations(cases, levels, rng))
    write_text(folder / "gene_sets.gmt", gene_sets())
    sites, calls = confounded(levels[:, LATENTS.index(SITE_PROGRAMME)], seed)
    columns = {"slide_id": [f"{case}-1" for case in cases], "case_id": cases, "path": "", "cohort": cohorts}
    write_tsv(folder / "slides.tsv", pd.DataFrame(columns).assign(site=np.array(SITES)[sites]))
    write_tsv(folder / "profiles.tsv", pd.concat([profiles(cases, cohorts, "rna"), profiles(cases, cohorts, "dna")]))
    # An oracle sees levels without their names: given vectors hold no label.
    truth = pd.DataFrame(levels.round(4), cases, [f"latent_{n}" for n in range(len(LATENTS))])
    write_tsv(folder / "truth.tsv", truth.rename_axis("case_id").reset_index())
    for task, programme in TASKS.items():
        labels = cut(levels[pretrained:, LATENTS.index(programme)], rng)
        write_task(folder / "tasks" / task, task, cases[pretrained:], labels, seed)
    write_task(folder / "tasks" / "dominant", "dominant", cases[pretrained:], dominant(levels[pretrained:], rng), seed)
    write_task(folder / "tasks" / CONFOUNDED, CONFOUNDED, cases[pretrained:], calls[pretrained:], seed)
    return world


def draw_world(rng: np.random.Generator) -> World:
    """The directions and kinds of tissue of a seed."""
    directions = np.linalg.qr(rng.normal(size=(DIM, DIM)))[0]
    mark, carriers, colours, tissues = directions[0], directions[1:9], directions[9:17], directions[1:41]
    centres = 2.0 * rng.normal(size=(6, len(tissues))) @ tissues / np.sqrt(len(tissues))
    return World(mark, carriers, colours, centres)


def write_features(
    folder: Path,
    cases: list[str],
    levels: np.ndarray,
    world: World,
    rng: np.random.Generator,
    scan: Callable[[str, np.ndarray], np.ndarray] = lambda case, patches: patches,
) -> pd.DataFrame:
    """A feature file per case; the patches that are its focus, a row each.

    scan: transform of the patches by the case's scanner (float64 N x DIM), as they are by default.
    """
    folder.mkdir(parents=True, exist_ok=True)
    planted_rows = []
    for case, level in zip(cases, levels, strict=True):
        patches, places, focus = draw_patches(level, world, rng)
        planted_rows += [{"slide_id": f"{case}-1", "patch": patch} for patch in sorted(focus.tolist())]
        with h5py.File(folder / f"{case}-1.h5", "w") as handle:
            handle["features"] = scan(case, patches).astype(np.float32)
            handle["coords"] = places * PATCH
            handle["coords"].attrs.update(PLACED)
    return pd.DataFrame(planted_rows)


def draw_patches(level: np.ndarray, world: World, rng: np.random.Generator) -> tuple[np.ndarray, ...]:
    """Patches of a slide (float64 N x DIM), their column and row (int N x 2), and which are its focus (int)."""
    count = int(rng.integers(48, 97))
    kinds = rng.choice(6, count, p=rng.dirichlet(np.ones(6)))
    patches = world.centres[kinds] + rng.normal(size=(count, DIM)) + rng.normal(size=8) @ world.colours
    places = np.stack([np.arange(count) % COLUMNS, np.arange(count) // COLUMNS], 1)
    distance = np.linalg.norm(places - places[rng.integers(count)], axis=1)
    focus = np.argsort(distance, kind="stable")[: max(1, rng.binomial(count, SHARE))]
    patches[focus] += MARK * world.mark + CARRIED * level @ world.carriers
    return patches, places, focus


def expression(cases: list[str], levels: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """log2(TPM + 1), genes x cases."""
    base, _ = gene_constants()
    log_tpm = base + rng.normal(0, GENE_NOISE, (len(cases), len(GENES)))
    for programme, level in zip(LATENTS, levels.T, strict=True):
        for gene in PROGRAMMES[programme].split():
            log_tpm[:, GENES.index(gene)] += SHIFT * (0.7 + 0.6 * weight_of(gene)) * level
    tpm = np.exp(log_tpm)
    tpm *= 1e6 / tpm.sum(1, keepdims=True)
    return pd.DataFrame(np.log2(tpm + 1).T.round(4), columns=cases).assign(gene=GENES)[["gene", *cases]]


def mutations(cases: list[str], levels: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    """0 and 1, genes x cases; each gene follows a mixture of levels."""
    genes = GENES[:: len(GENES) // FLAGS][:FLAGS]
    scores = levels @ rng.normal(size=(len(LATENTS), FLAGS)) + rng.normal(size=(len(cases), FLAGS))
    return pd.DataFrame((scores > 1.0).astype(int).T, columns=cases).assign(gene=genes)[["gene", *cases]]


def profiles(cases: list[str], cohorts: list[str], modality: str) -> pd.DataFrame:
    """Rows of the profile sheet."""
    rows = pd.DataFrame({"profile_id": [f"{case}-{modality}" for case in cases], "case_id": cases})
    rna = modality == "rna"
    return rows.assign(
        modality=modality, cohort=cohorts, format="matrix" if rna else "mutation_table",
        path="expression.tsv" if rna else "mutations.tsv", column=cases,
        unit="log2_tpm_plus_1" if rna else "small_coding",
    )  # fmt: skip


def cut(level: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels 0 and 1 (int, N): a level (float N) with noise, cut at zero."""
    return (level + LABEL_NOISE * rng.normal(size=len(level)) > 0).astype(int)


def confounded(level: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Position in SITES of each case (int N), and the label (0 or 1, int N) that its panel reports.

    Sites are quarters of the cases' level (float N) with noise; the label follows the site and nothing else. Both are
    drawn by a generator of their own, so that all else that a seed gives is the same with and without sites.
    """
    rng = np.random.default_rng([seed, 28])
    noisy = level + SITE_NOISE * rng.normal(size=len(level))
    sites = np.searchsorted(np.quantile(noisy, [0.25, 0.5, 0.75]), noisy)
    return sites, (rng.random(len(level)) < np.array(REPORTED)[sites]).astype(int)


def dominant(levels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Labels 0 to 2 (int, N): which programme of DOMINANT is the highest of a case, with noise."""
    three = levels[:, [LATENTS.index(programme) for programme in DOMINANT]]
    return (three + LABEL_NOISE * rng.normal(size=three.shape)).argmax(1)


def write_task(folder: Path, task: str, cases: list[str], labels: np.ndarray, seed: int) -> None:
    """Labels and folds of a task in Patho-Bench's form."""
    folds = np.array(assign_folds(labels.tolist(), FOLDS, seed))
    table = pd.DataFrame({"case_id": cases, "slide_id": [f"{case}-1" for case in cases], task: labels})
    for fold in range(FOLDS):
        table[f"fold_{fold}"] = np.where(folds == fold, "test", "train")
    names = dict(enumerate(DOMINANT)) if task == "dominant" else None
    by_case = dict(zip(cases, labels.tolist(), strict=True))
    write_text(folder / "config.yaml", settings_of(task, "molecular", by_case, names))
    write_tsv(folder / "k=all.tsv", table)
