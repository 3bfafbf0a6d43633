"""What config.json of a run says about its network: each branch's sizes, and the names of what it takes."""

from __future__ import annotations

from typing import NotRequired, TypedDict

from ..common.settings.pretrain import DnaEncoder, RnaEncoder, SlideEncoder


class SlideSection(SlideEncoder):
    """The slide encoder; input: numbers per patch."""

    input: int


class Scale(TypedDict, total=False):
    """Mean and deviation of the training profiles by gene; neither where values are taken as they are."""

    mean: dict[str, float]
    deviation: dict[str, float]


class RnaSection(RnaEncoder, Scale):
    """The expression branch; vocabulary: words by token; tokens: genes that a profile of each cohort shows at most;
    value: what its numbers are, in the words of uns of its tables (common.kinds.EXPRESSION_VALUES); fits: of vst, the
    fit of each of its cohorts (`fit_of`).
    """

    vocabulary: list[str]
    tokens: dict[str, int]
    value: NotRequired[str]
    fits: NotRequired[list[str]]


class DnaSection(DnaEncoder):
    """The DNA branch; flags: names of its inputs, in order."""

    flags: list[str]


class Selected(TypedDict):
    """The epoch that is kept, from 1 on (-1: none yet), and the RankMe of its embeddings."""

    epoch: int
    rankme: float


class Trained(TypedDict):
    """Results of training: how many cases, slides, organs (over which a part of the slides was taken evenly) and pairs,
    slides judged by RankMe, numbers of an embedding (width) and parameters by branch; RankMe by epoch; digests of what
    was trained on, by kind; versions."""

    cases: int
    slides: int
    organs: NotRequired[int]
    pairs: int
    judged: int
    width: int
    rankme: list[float]
    parameters: dict[str, int]
    contents: dict[str, list[str]]
    software: dict[str, str]


class Description(TypedDict):
    """A network with the branches it has, and the grid and patch encoder of its patches.

    cases: sorted digests (`digest_of`) of the ids of the cases it trained on, by which other studies keep them out of
    test sets. selected, trained: of a finished run.
    """

    slide_encoder: SlideSection
    rna_encoder: NotRequired[RnaSection]
    dna_encoder: NotRequired[DnaSection]
    grid: NotRequired[str]
    encoder: NotRequired[str]
    cases: NotRequired[list[str]]
    selected: NotRequired[Selected]
    trained: NotRequired[Trained]
