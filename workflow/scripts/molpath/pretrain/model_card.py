"""The page of a run that says what its weights are."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from ..common.digests import digest_of, sha256_of
from ..common.files import write_text
from ..common.settings.pretrain import Run
from .description import Description, Selected, Trained

TAGS = ("pathology", "whole-slide-image", "multimodal", "contrastive-learning")
#: Whose weights the expression branch may start from, as the hub names owner and model.
SCGPT = "bowang-lab/scGPT"
HOW_TO_LOAD = """\
```python
from molpath.pretrain.network import load      # PYTHONPATH=workflow/scripts
network, config = load("results/pretrain/runs/{name}")
embedding = network.slide(patches)             # float32 patches x {dim} of one slide -> 1 x {width}
```
"""


def write_model_card(
    run: Run, description: Description, outputs: Mapping[str, str], patch_encoder: Mapping[str, str]
) -> None:
    """Write model_card.md of a trained run: what the hub reads of it, data, sizes, settings, RankMe curve, digests.

    description: config.json; patch_encoder: what is known about it, hub and licence.
    """
    trained, selected, name = description["trained"], description["selected"], run["name"]
    dim = description["slide_encoder"]["input"]
    lines = [
        *front_matter(run, selected, patch_encoder),
        f"# {name}\n",
        "A slide encoder pretrained against molecular profiles after Threads (arXiv 2501.16652) by this workflow; not",
        "the weights of the paper.\n",
        HOW_TO_LOAD.format(name=name, dim=dim, width=trained["width"]),
        "## Intended use\n",
        "Embeddings of slides for research: a slide is cut and encoded as below (grid and encoder), and its patches",
        "give one vector for probes, retrieval or clustering. It is not for diagnosis or any other use on patients.\n",
        "## Licence\n",
        *licence_lines(run, patch_encoder),
        "\n## Data\n",
        f"- cohorts: {', '.join(run['cohorts'])}: {trained['cases']} cases, {trained['slides']} slides, "
        f"{trained['pairs']} pairs" + part_of_slides(run, trained),
        *(
            ["- **control**: pairs are shuffled, each slide has another case's profiles"]
            * run.get("shuffle_pairs", False)
        ),
        f"- patches: grid {run['grid']}, encoder {run['encoder']}, {dim} numbers per patch",
        *(f"- {kind}: SHA-256 {', '.join(digests)}" for kind, digests in shortened(trained["contents"]).items()),
        *network_lines(description, outputs),
        *training_lines(run, selected, trained),
        "\n## Limits\n",
        "For research only. Embeddings can carry whatever the cohorts carry, site and stain included.\n",
        "`config.json` holds digests of the ids of the cases trained on, by which other studies keep them out of test",
        "sets. They hide no id that can be guessed: whoever knows an id can see whether its case was trained on.\n",
    ]
    write_text(outputs["model_card.md"], "\n".join(lines))


def part_of_slides(run: Run, trained: Trained) -> str:
    """Which part of its cohorts' slides a run read, where it is a part."""
    evenly = ", evenly over organs" if trained.get("organs") else ""
    return f"; {100 * run['fraction']:g}% of the slides{evenly}" if run["fraction"] < 1 else ""


def network_lines(description: Description, outputs: Mapping[str, str]) -> list[str]:
    """Parameters of each branch, genes per profile by cohort, digest of the weights."""
    sizes = description["trained"]["parameters"]
    size_of = {name: f"{sizes[name]:,} parameters" if name in sizes else "none" for name in ("slide", "rna", "dna")}
    tokens = description["rna_encoder"]["tokens"] if "rna_encoder" in description else {}
    by_cohort = "".join(f"; {cohort}: {count:,} genes per profile" for cohort, count in tokens.items())
    return [
        "\n## Network\n",
        f"- slide encoder: {size_of['slide']}",
        f"- RNA branch: {size_of['rna']}{by_cohort}",
        f"- DNA branch: {size_of['dna']}",
        # Of an export's weights, which are those of the kept epoch; sha256.txt of a run lists all of its files.
        f"- model.safetensors: SHA-256 {sha256_of(outputs['model.safetensors'])}",
    ]


def training_lines(run: Run, selected: Selected, trained: Trained) -> list[str]:
    """The kept epoch, settings, the RankMe curve, and versions."""
    return [
        "\n## Training\n",
        f"- epoch {selected['epoch']} of {run['training']['epochs']} kept, RankMe {selected['rankme']:.2f}; seed "
        f"{run['training']['seed']}",
        *(f"- {key}: {value}" for key, value in sorted(run["training"].items())),
        f"- RankMe of {trained['judged']:,} of its {trained['slides']:,} training slides",
        f"- RankMe by epoch: {' '.join(f'{value:.2f}' for value in trained['rankme'])}",
        f"- {', '.join(f'{name} {version}' for name, version in trained['software'].items())}",
    ]


def front_matter(run: Run, selected: Selected, patch_encoder: Mapping[str, str]) -> list[str]:
    """Lines of YAML that the Hugging Face hub shows beside a card (huggingface.co/docs/hub/model-cards).

    Cohorts are not data sets of the hub, whose ids its key `datasets` takes, and no licence was chosen that
    `license_link` could lead to: the card has neither key. base_model: of the patches, where their weights are the
    hub's own, and of the expression branch, where it started from scGPT's.
    """
    bases = [name for name in (patch_encoder.get("hub", ""), SCGPT if starts_from_scgpt(run) else "") if name]
    cohorts = ", ".join(run["cohorts"])
    metric = {"type": "rankme", "name": "RankMe of training slides", "value": round(selected["rankme"], 2)}
    result = {
        "task": {"type": "feature-extraction"},
        "dataset": {"name": cohorts, "type": "cohorts"},  # it is unknown here whether they are public
        "metrics": [metric],
    }
    values = {
        "license": "other",
        "license_name": "see-card",
        "library_name": "molpath",
        "pipeline_tag": "feature-extraction",
        "tags": [*TAGS, *run["modalities"]],
        "base_model": bases[0] if len(bases) == 1 else bases,
        "metrics": ["rankme"],
        "model-index": [{"name": run["name"], "results": [result]}],
    }
    # A value of JSON is one of YAML.
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in values.items() if value]
    return ["---", *lines, "---\n"]


def starts_from_scgpt(run: Run) -> bool:
    """True if the expression branch started from scGPT's public weights."""
    return "rna" in run["modalities"] and bool(run["rna_encoder"]["checkpoint"])


def licence_lines(run: Run, patch_encoder: Mapping[str, str]) -> list[str]:
    """What binds whoever publishes these weights; which licence they get is for the owner of the run to say."""
    encoder, licence = run["encoder"], patch_encoder.get("licence", "")
    licence_text = (
        f"patch encoder {encoder} is under {licence}" if licence else f"patch encoder {encoder}: unknown here"
    )
    started = ["The RNA branch started from scGPT's weights (github.com/bowang-lab/scGPT, MIT licence)."]
    return [
        "None was chosen. Before you publish these weights, write one here and under `license` above. It must agree",
        f"with the terms of the cohorts ({', '.join(run['cohorts'])}) and of the patch encoder ({licence_text}).",
        *started * starts_from_scgpt(run),
    ]


def shortened(contents: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """The digest of each file, or one digest of them all where they are more than four (a store's shards)."""
    return {
        kind: list(digests) if len(digests) <= 4 else [f"of {len(digests)} files together {digest_of(list(digests))}"]
        for kind, digests in contents.items()
        if digests
    }
