"""Entries in place of gene names: nothing, sums of a counter, dates of a spreadsheet, numbers, other ids."""

from __future__ import annotations

import re
from collections.abc import Sequence

#: Words for a gene without a name; compared in small letters.
NOTHING = frozenset(
    ["", "na", "n/a", "#n/a", "nan", "none", "null", "nil", "unknown", "unassigned", "?", ".", "-", "--", "---"]
    + ["#name?", "#ref!", "#value!", "<na>"]
)
#: Rows that counters and spreadsheets add: HTSeq's, STAR's, featureCounts', totals; and spiked-in RNA (ERCC).
SUMMARY = re.compile(
    r"__\w+|N_(unmapped|multimapping|noFeature|ambiguous)|(no_feature|too_low_aQual|not_aligned|alignment_not_unique)"
    r"|(un)?assigned_\w+|(grand[ _]?)?(total|sum)([ _](counts?|reads?))?|library[ _]size|ERCC-\d{5}",
    re.I,
)
#: Names of months as spreadsheets write them in the languages of their users, short and long.
MONTHS = (
    # English
    "jan january feb february mar march apr april may jun june jul july aug august sep sept september oct october nov "
    "november dec december "
    # German
    "jän jänner januar feber februar mär mrz märz mai juni juli okt oktober dez dezember "
    # French
    "janv janvier févr fév fevr février mars avr avril juin juil juillet août aout septembre octobre novembre déc "
    "décembre "
    # Spanish, Portuguese, Italian
    "ene enero febrero marzo abr abril mayo ago agosto septiembre set setembro settembre octubre out outubro ott "
    "ottobre noviembre novembro novembre dic diciembre dicembre dezembro fev fevereiro março gen gennaio febbraio "
    "aprile "
    # Dutch, Swedish, Danish, Norwegian, Polish, Czech, Turkish
    "mrt maart mei maj des desember lut kwi wrz paź lis gru úno bře dub zář říj pro şub nis eyl eki kas ara"
).split()
_MONTH = rf"(?:{'|'.join(sorted(set(MONTHS), key=len, reverse=True))})\.?"
_NUMBER, _GAP, _TIME = r"(?:\d{1,2}|\d{4})", r"[-./ ]{1,2}", r"(?:[ T]\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
DATE = re.compile(
    rf"{_NUMBER}{_GAP}{_MONTH}(?:{_GAP}\d{{2,4}})?{_TIME}"  # 1-Mar, 1. Mrz, 1-mars, 1-Mar-23, 2001-Sep
    rf"|{_MONTH}{_GAP}{_NUMBER}(?:,?{_GAP}\d{{2,4}})?{_TIME}"  # Mar-01, Sep 2, 2023
    rf"|\d{{4}}[-/.]\d{{1,2}}[-/.]\d{{1,2}}{_TIME}"  # 2023-09-02 00:00:00
    rf"|\d{{1,2}}[-/.]\d{{1,2}}[-/.](?:\d{{4}}|\d{{2}}){_TIME}"  # 3/1/2023, 01.03.23
    r"|\d{1,2}/\d{1,2}|\d{1,2}\.\d{1,2}\."
    r"|\d{1,2}月\d{1,2}日",
    re.I,
)
NUMBER = re.compile(r"[+-]?\d+(\.\d*)?(e[+-]?\d+)?", re.I)
#: Whole numbers, also as floats (7157.0), which a missing value in a column makes of them.
WHOLE = re.compile(r"\d+(?:\.0)?")
#: Days from 2000 to 2050 as spreadsheets count them.
SERIAL_DAYS = (36526, 55153)
#: Names that GENCODE and NCBI give to human genes without a symbol: clones and LOC with the Entrez id.
UNNAMED = re.compile(
    r"LOC\d+|(RP\d+|CT[ABCD]|KB|XX\w+|GS\d+|LL\d+\w*|hsa)-\S+|[A-Z]{1,2}\d{5,8}\.\d+(-\d+)?|[A-Z]?\w*_S?RNA?P?|U\d+|7SK"
)
#: Patterns of unknown names, what they are, and what to do.
OTHERS = (
    (r"ENS(?!G\d|T\d|P\d)[A-Z]{3,}\d{11}(\.\d+)?", "Ensembl ids of another species; this workflow reads human genes"),
    (r"ENST\d{11}(\.\d+)?|[NX][MR]_\d+(\.\d+)?", "transcripts; sum them to genes first"),
    (r"\d+(_[a-z])*_at|ILMN_\d+|cg\d{8}|A_\d+_P\d+|TC\d+\.hg\.1", "probes of an array; translate them to genes first"),
    (r"[A-Z]\w*[a-z]\w*|\w+Rik|mt-\w+", "genes of mouse or rat; this workflow reads human genes"),
    (r"[OPQ]\d[A-Z0-9]{3}\d|NP_\d+|ENSP\d{11}(\.\d+)?", "proteins; translate them to genes first"),
    (NUMBER.pattern, "numbers: row numbers, or ids of another source"),
)


def is_nothing(name: str) -> bool:
    """True for a placeholder of a missing name."""
    return name.casefold() in NOTHING


def is_summary(name: str) -> bool:
    """True for a row that is not a gene: reads outside genes, a total, a spike-in."""
    return SUMMARY.fullmatch(name) is not None


def is_date(name: str) -> bool:
    """True for what a spreadsheet makes of MARCHF1, SEPTIN2 or DELEC1: the gene can't be recovered."""
    return DATE.fullmatch(name) is not None


def is_serial_day(name: str) -> bool:
    """True for a whole number that a spreadsheet shows as a date of 2000 to 2050."""
    return WHOLE.fullmatch(name) is not None and SERIAL_DAYS[0] <= float(name) <= SERIAL_DAYS[1]


def are_row_numbers(numbers: Sequence[int]) -> bool:
    """True for 0, 1, 2, … or 1, 2, 3, … in any order: the index of a table, not genes."""
    start = min(numbers, default=1)
    consecutive = start in (0, 1) and sorted(numbers) == list(range(start, start + len(numbers)))
    return consecutive and (len(numbers) > 1 or start == 0)


def looks_like(names: Sequence[str]) -> str:
    """What most of the names look like, with what to do; '' if unclear."""
    for pattern, description in OTHERS:
        if sum(re.fullmatch(pattern, name) is not None for name in names) > len(names) / 2:
            return description
    return ""
