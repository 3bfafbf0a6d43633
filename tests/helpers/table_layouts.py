"""Tables in every layout that users have: a matrix of generated values, and how its text is dressed."""

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from functools import partial

from hypothesis import strategies as st

GENES = ("TP53", "KRAS", "EGFR", "MYC", "PTEN", "BRCA1", "A1BG", "NRAS")
SAMPLES = ("S1", "TCGA-02-0001-01A", "C3L-00004", "7", "é1")
JUNK = ("__no_feature", "__ambiguous", "N_unmapped")
MISSING = ("NA", "", "NaN", "n/a")


def mostly(usual, *rarer, weight=3):
    """A strategy that mostly gives the usual choice."""
    return st.sampled_from([usual] * weight * max(1, len(rarer)) + list(rarer))


#: What a reader must not care about, or has to refuse. The first choice of each is the plainest.
DRESS = {
    "delimiter": mostly("\t", ",", ";", weight=1),
    "across": mostly(False, True, weight=1),
    "corner": mostly("gene", "", "Hugo_Symbol", "symbol", "left out", "Nonsense", weight=1),
    "numbered": mostly("", "named", "unnamed", "left out"),
    "beside": mostly("", "text", "odd text", "quoted text", weight=4),
    "quotes": mostly("none", "all", "header", "names", weight=1),
    "top": mostly("", "comments", "blank", "both"),
    "encoding": mostly("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"),
    "end": mostly("\n", "\n", "\r\n", "\r", weight=2),
    "last_end": mostly(True, False),
    "ends": mostly("", "rows", "header", "both", "some rows"),
    "packing": mostly("", "gzip", "bz2", "xz", "zip", weight=1),
    "junk": mostly(False, True),
    "fault": mostly("", "column twice", "a lost cell", "a cell too many", "lone quote", "row in two"),
    "seed": st.randoms(use_true_random=False),
}


@st.composite
def dressed(draw, cells, dress=DRESS):
    """A matrix {gene: {sample: text}}, how it is dressed, and its bytes. cells: strategy of one value as text."""
    genes = draw(st.lists(st.sampled_from(GENES), min_size=2, max_size=5, unique=True))
    samples = draw(st.lists(st.sampled_from(SAMPLES), min_size=1, max_size=4, unique=True))
    row = st.lists(cells, min_size=len(samples), max_size=len(samples))
    matrix = {gene: dict(zip(samples, draw(row), strict=True)) for gene in genes}
    chosen = draw(st.fixed_dictionaries(dress))
    return matrix, chosen, pack(text_of(matrix, chosen), chosen)


def text_of(matrix, dress):
    """The text of a matrix."""
    header, rows = grid_of(matrix, dress)
    lines = [quoted(header, dress, head=True), *(quoted(row, dress) for row in rows)]
    spoil(lines, dress)
    for place in range(len(lines)):
        ends = {"rows": place > 0, "header": place == 0, "both": True, "some rows": place > 0 and place % 2}
        lines[place] += dress["delimiter"] * bool(ends.get(dress["ends"], False))
    top = {"comments": ["# made for a test", '# of "March, 7'], "blank": [""], "both": ["# a test", "", "#"]}
    lines = top.get(dress["top"], []) + lines
    return dress["end"].join(lines) + dress["end"] * dress["last_end"]


def grid_of(matrix, dress):
    """Header and rows as lists of cells."""
    genes, samples = list(matrix), list(next(iter(matrix.values())))
    values = {gene: dict(row) for gene, row in matrix.items()}
    if dress["junk"]:
        values |= {name: dict.fromkeys(samples, "99999") for name in JUNK}
        genes = [*genes, *JUNK]
    if dress["across"]:
        header, rows = genes, [[sample, *(values[gene][sample] for gene in genes)] for sample in samples]
    else:
        header, rows = samples, [[gene, *(values[gene][sample] for sample in samples)] for gene in genes]
    dress["seed"].shuffle(rows)
    order = list(range(len(header)))
    dress["seed"].shuffle(order)
    header, rows = [header[i] for i in order], [[row[0], *(row[i + 1] for i in order)] for row in rows]
    texts = {"text": "protein", "odd text": "5'-\"end #1", "quoted text": f'a{dress["delimiter"]} "b"'}
    if dress["beside"]:
        header = [*header, "Description"]
        rows = [[*row, texts[dress["beside"]]] for row in rows]
    corner = "sample_id" if dress["across"] and dress["corner"] in ("Hugo_Symbol", "symbol") else dress["corner"]
    header = header if corner == "left out" else [corner, *header]
    if dress["numbered"]:
        front = {"named": ["Unnamed: 0"], "unnamed": [""]}.get(dress["numbered"], [])
        header, rows = [*front, *header], [[str(i), *row] for i, row in enumerate(rows)]
    return header, rows


def quoted(cells, dress, head=False):
    """One line, its cells in quotes as the dress says; where they must be, always."""
    out = io.StringIO()
    kind = {"all": csv.QUOTE_ALL, "header": csv.QUOTE_ALL if head else csv.QUOTE_MINIMAL}
    if dress["quotes"] == "none" and dress["beside"] != "quoted text":
        return dress["delimiter"].join(cells)
    if dress["quotes"] == "names" and not head:
        plain = {**dress, "quotes": ""}
        return dress["delimiter"].join([f'"{cells[0]}"', *(quoted([cell], plain) for cell in cells[1:])])
    writer = csv.writer(out, delimiter=dress["delimiter"], quoting=kind.get(dress["quotes"], csv.QUOTE_MINIMAL))
    writer.writerow(cells)
    text = out.getvalue().rstrip("\r\n")
    return "" if cells == [""] else text


def spoil(lines, dress):
    """Put the fault of the dress into a row."""
    mark, place = dress["delimiter"], dress["seed"].randrange(1, len(lines))
    if dress["fault"] == "column twice":
        for i, line in enumerate(lines):
            lines[i] = line + mark + line.rsplit(mark, 1)[-1]
    elif dress["fault"] == "a lost cell":
        lines[place] = lines[place].rsplit(mark, 1)[0]
    elif dress["fault"] == "a cell too many" and len(lines) > 2:  # a table of one row would be one that R writes
        lines[place] += f"{mark}77"
    elif dress["fault"] == "lone quote":
        lines[place] = '"' + lines[place]
    elif dress["fault"] == "row in two":
        lines[place] = lines[place].replace(mark, dress["end"], 1)


def pack(text, dress):
    """Bytes of a text, encoded and packed."""
    data = text.encode(dress["encoding"], "replace")
    if dress["packing"] == "zip":
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("table.csv", data)
            archive.writestr("__MACOSX/._table.csv", b"\0\5\26\7")
        return out.getvalue()
    packed = {"gzip": gzip.compress, "bz2": bz2.compress, "xz": partial(lzma.compress, preset=0)}
    return packed.get(dress["packing"], bytes)(data)


def is_plain(dress):
    """True for a layout that must be read, not refused."""
    usual = {"fault": ("",), "encoding": ("utf-8", "utf-8-sig"), "end": ("\n", "\r\n", "\r")}
    usual |= {"ends": ("", "both"), "beside": ("", "text"), "corner": ("gene", "Hugo_Symbol", "symbol")}
    usual |= {"numbered": ("",) if dress["across"] else ("", "named", "unnamed")}
    return all(dress[key] in values for key, values in usual.items()) and not (dress["across"] and dress["beside"])
