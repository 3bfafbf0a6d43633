"""Rules for classes and metrics in a task's config.yaml, for planning and jobs."""

from __future__ import annotations

import re

#: Metrics computed for every classification task, besides those that it names.
ALWAYS = ("macro-ovr-auc", "bacc", "weighted_kappa", "acc", "macro-f1", "weighted-f1", "auprc", "brier", "ece")
#: On request: kappa over all labels of the task, even those absent from the test side.
FIXED_KAPPA = "weighted_kappa_fixed"
#: Metrics that a classification task may name.
OF_CLASSES = (*ALWAYS, FIXED_KAPPA)
#: Metrics of which less is better. None may be a task's first metric: tables and figures rank by that, highest first.
LESS_IS_BETTER = ("ece", "brier", "mae")
_INTEGER = re.compile(r"-?[0-9]+")


def is_integer(code: str) -> bool:
    """True for a code of label_dict that is an integer, in plain digits: such codes order classes."""
    return bool(_INTEGER.fullmatch(code))


def is_odd_number(code: str) -> bool:
    """True for a code that looks like a number and is no integer (1.0, ², --1); words such as 3+4 are none."""
    if is_integer(code) or any(map(str.isalpha, code)):
        return False
    try:
        float(code)
    except ValueError:
        return code.lstrip("-").isdigit()
    return True
