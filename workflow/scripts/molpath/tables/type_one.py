"""How often the tests of the page find a difference at 5 % where there is none, as far as that was measured.

And how often the interval of a score leaves chance out, or a note says that the site predicts the label, under the
null.

By tests/benchmarks/type_one_errors.py, on simulated models that are alike, labels and times that nothing says anything
of. The features of its slides are a normal draw of the case plus half as much of the slide.
"""

from __future__ import annotations

import pandas as pd

#: In place of a number that was not measured.
UNKNOWN = "not measured"
COLUMNS = ["test", "simulated", "one slide per case", "five slides per case"]
#: Values that are not tests but may be read as such. The intervals: of the AUC of two balanced classes, 32 numbers of
#: noise per case, 100 bootstraps of cases; 40 of 220 runs leave 0.5 out. They hold the fitted probes of all folds as
#: they are, so what other training samples would give isn't in them; permutations ask whether a score is chance.
INTERVAL, SITE = "95 % interval of a score leaves chance out", "note: the site alone predicts the label"
#: Shares of P < 0.05; the first row of a test is that of five folds and 60 cases.
MEASURED = (
    ("corrected resampled t test", "5 folds, 60 cases", "6 %", "5 %"),
    ("corrected resampled t test", "5 folds, 200 cases", "2 %", UNKNOWN),
    ("two-way ANOVA, the paper's test", "5 folds, 60 cases", "11 %", "14 %"),
    ("two-way ANOVA, the paper's test", "5 folds, 200 cases", "8 %", UNKNOWN),
    ("DeLong's test, slides by case", "5 folds, 60 cases", "13 %", "16 %"),
    ("DeLong's test, slides by case", "5 folds, 200 cases", "11 %", UNKNOWN),
    ("mixed-effects model, Tukey", "8 tasks of 60 cases, 3 models", UNKNOWN, UNKNOWN),
    ("risk groups, p", "5 folds, 60 cases", "7 %", UNKNOWN),
    ("risk groups, p_logrank", "5 folds, 60 cases", "12 %", UNKNOWN),
    ("p_permuted of a score", "5 folds, 60 cases", UNKNOWN, "4 %"),
    ("gene directions, padj", "30 cases, 19 permutations drawn again in each of 100 runs", UNKNOWN, "4 %"),
    ("gene directions, padj", "30 cases, the same 19 permutations in all of 100 runs", UNKNOWN, "11 %"),
    (INTERVAL, "5 folds, 60 cases (100 runs)", "17 %", UNKNOWN),
    (INTERVAL, "50 Monte-Carlo folds, 60 cases (60 runs)", "17 %", UNKNOWN),
    (INTERVAL, "5 folds, 200 cases (60 runs)", "22 %", UNKNOWN),
    (SITE, "5 folds, 60 cases (100 runs), 4 sites", "2 %", UNKNOWN),
    (SITE, "50 Monte-Carlo folds, 60 cases (60 runs), 4 sites", "8 %", UNKNOWN),
    (SITE, "5 folds, 200 cases (60 runs), 4 sites", "8 %", UNKNOWN),
    ("any of them", "repeated folds, more than two models within a task", UNKNOWN, UNKNOWN),
)


def measured() -> pd.DataFrame:
    """The table: test, what was simulated, share with one slide per case and with five."""
    return pd.DataFrame(MEASURED, columns=COLUMNS)
