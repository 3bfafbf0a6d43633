"""Sheets as spreadsheets, R and pandas leave them: what spoils a project, and what its user reads."""

import io
import zipfile

HEADER = "slide_id\tcase_id\tpath\tcohort\tmpp\n"
ROW = "S0\tC0\tfiles/S0.svs\tA\t0.5\n"


def slides(text: str | bytes):
    """A project whose slide sheet is this text."""
    return lambda project: project.texts.update({"slides.tsv": text})


def workbook(*names: str) -> bytes:
    """A ZIP archive as spreadsheets write it, with members of these names."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name in names:
            archive.writestr(name, "application/vnd.oasis.opendocument.spreadsheet")
    return stream.getvalue()


def ids(slide_sheet: str, task: str):
    """A project in which C1 is called `slide_sheet` in the slide sheet and `task` in the task."""

    def spoil(project):
        project.slides[1]["case_id"] = slide_sheet
        project.splits[0]["case_id"] = task

    return spoil


# As in mistakes.py.
IN_SHEETS = {
    "commas": (
        slides((HEADER + ROW).replace("\t", ",")),
        ["slides.tsv, header: ", "has no tab, but commas", "with tabs"],
    ),
    "semicolons": (slides((HEADER + ROW).replace("\t", ";")), ["has no tab, but semicolons", "with tabs between"]),
    "quotes of R": (
        slides("\t".join(f'"{name}"' for name in HEADER.split()) + "\n" + ROW),
        ["slides.tsv, header: names in quotes", "write.table(…, quote=FALSE, sep='\\t', row.names=FALSE)"],
    ),
    "row names of R": (
        slides(HEADER + "1\t" + ROW),
        ["slides.tsv, row 2: 6 cells, and the header has 5", "the row names that R puts in front"],
    ),
    "xlsx by another name": (
        slides(workbook("[Content_Types].xml", "xl/workbook.xml")),
        ["slides.tsv: this is an Excel workbook (xlsx)", "save the sheet as tab-separated text in UTF-8"],
    ),
    "ods by another name": (
        slides(workbook("mimetype")),
        ["slides.tsv: this is an OpenDocument spreadsheet (ods)", "save the sheet as tab-separated text in UTF-8"],
    ),
    "sheet in UTF-16": (
        slides((HEADER + ROW).encode("utf-16")),
        ["slides.tsv: this is text in UTF-16", "iconv -f UTF-16 -t UTF-8"],
    ),
    "sheet in Latin-1": (
        slides((HEADER + ROW.replace("files", "Präparate")).encode("latin-1")),
        ["slides.tsv, row 2: byte 0xe4 is no UTF-8 (in Windows-1252 it is 'ä')", "save the file in UTF-8"],
    ),
    "empty sheet": (slides(""), ["slides.tsv: empty", "the first line should name the columns"]),
    "comments alone": (slides("# one\n"), ["slides.tsv: no line but comments", "should name the columns"]),
    "header alone": (slides(HEADER), ["slides.tsv: no rows below the header", "one row for each slide"]),
    "header in capitals": (
        slides(HEADER.replace("slide_id", "Slide_ID") + ROW),
        ["slides.tsv, header, column slide_id: missing", "rename 'Slide_ID' to slide_id"],
    ),
    "header with spaces": (
        slides(HEADER.replace("case_id", "case id") + ROW),
        ["slides.tsv, header, column case_id: missing", "rename 'case id' to case_id"],
    ),
    "cell too few": (
        slides(HEADER + ROW.rstrip("5.0\n").rstrip("\t") + "\n"),
        ["slides.tsv, row 2: 4 cells, and the header has 5", "an empty cell needs its tab, too"],
    ),
    "space behind an id": (
        lambda p: p.slides[0].update(slide_id="S0 "),
        ["slides.tsv, row 2, column slide_id: 'S0 ' is not allowed", "delete the spaces around it: S0"],
    ),
    "no-break space in an id": (
        lambda p: p.slides[0].update(slide_id="S\u00a00"),
        ["slides.tsv, row 2, column slide_id", "it holds a character that can't be seen (U+00A0)"],
    ),
    "typographic quotes around an id": (
        lambda p: p.slides[0].update(slide_id="“S0”"),
        ["slides.tsv, row 2, column slide_id: '“S0”' is not allowed", "straight quotation marks or none: S0"],
    ),
    "id shortened by a spreadsheet": (
        lambda p: p.slides[0].update(case_id="1.2E+05"),
        ["slides.tsv, row 2, column case_id: '1.2E+05' is not allowed", "a spreadsheet shortened it"],
    ),
    "failed formula": (
        lambda p: p.slides[0].update(case_id="#N/A"),
        ["slides.tsv, row 2, column case_id: '#N/A' is not allowed", "a formula of the spreadsheet failed"],
    ),
    "comma behind a number": (
        lambda p: p.slides[0].update(mpp="0.25,"),
        ["slides.tsv, row 2, column mpp: '0.25,' is not allowed", "Micrometres per pixel"],
    ),
    "unit behind micrometres": (
        lambda p: p.slides[0].update(mpp="0.25 um"),
        ["slides.tsv, row 2, column mpp: '0.25 um' is not allowed", "write the number alone: 0.25"],
    ),
    "negative micrometres": (
        lambda p: p.slides[0].update(mpp="-0.25"),
        ["slides.tsv, row 2, column mpp: '-0.25' is not allowed", "Micrometres per pixel"],
    ),
    "millimetres": (
        lambda p: p.slides[0].update(mpp="0.00025"),
        ["slides.tsv, row 2, column mpp: no slide has 0.00025 micrometres per pixel", "about 0.25 at 40x"],
    ),
    "huge micrometres": (
        lambda p: p.slides[0].update(mpp="25000"),
        ["slides.tsv, row 2, column mpp: no slide has 25000 micrometres per pixel", "about 0.25 at 40x"],
    ),
    "misspelt word": (
        lambda p: [row.update(keep="Yes") for row in p.slides],
        ["slides.tsv, row 2, column keep: 'Yes' is not allowed", "did you mean 'yes'?"],
    ),
    "slide of another ending": (
        lambda p: p.absent.add("files/S4.svs") or p.texts.update({"files/S4.tiff": ""}),
        ["slides.tsv, row 6, column path: no such file: files/S4.svs", "did you mean files/S4.tiff?"],
    ),
    "tilde in a sheet": (
        lambda p: p.slides[4].update(path="~/nowhere/S4.svs") or p.absent.add("~/nowhere/S4.svs"),
        ["slides.tsv, row 6, column path: no such file: ~/nowhere/S4.svs", "write the whole path, for ~ and $"],
    ),
    "ids of other capitals": (
        ids("Case1", "CASE1"),
        [
            "k=all.tsv, row 2, column case_id: case 'CASE1' is not in",
            "did you mean 'Case1'? Ids are case-sensitive",
        ],
    ),
    "zeros lost": (
        ids("00123", "123"),
        [
            "k=all.tsv, row 2, column case_id: case '123' is not in",
            "did you mean '00123'? A spreadsheet removed its zeros",
        ],
    ),
    "id made a number": (
        ids("123", "123.0"),
        [
            "k=all.tsv, row 2, column case_id: case '123.0' is not in",
            "did you mean '123'? A spreadsheet or pandas turned it",
        ],
    ),
    "id with other dashes": (
        ids("TCGA-AB-1", "TCGA_AB_1"),
        ["case 'TCGA_AB_1' is not in", "did you mean 'TCGA-AB-1'? Ids must be the same letter by letter"],
    ),
    "id made a date": (
        ids("MARCH1", "1-Mar"),
        ["k=all.tsv, row 2, column case_id: case '1-Mar' is not in", "a spreadsheet turned it into a date"],
    ),
    "misspelt label": (
        lambda p: (
            p.task.update(label_dict={"low": "low", "high": "high"}),
            [r.update(grade="High") for r in p.splits],
        ),
        ["k=all.tsv, row 2, column grade: label 'High' is not in label_dict", "did you mean 'high'?"],
    ),
    "misspelt side of a fold": (
        lambda p: p.splits[0].update(fold_0="Train"),
        ["k=all.tsv, row 2, column fold_0: 'Train' is not allowed", "did you mean 'train'?"],
    ),
    "metric of another name": (
        lambda p: p.task.update(metrics=["auc"]),
        [
            "config.yaml, key metrics/0: 'auc' is no metric of classes",
            "did you mean 'macro-ovr-auc'? one of: macro-ovr-auc",
        ],
    ),
    "misspelt label column": (
        lambda p: p.task.update(task_col="Grade"),
        ["k=all.tsv, header, column Grade: the task's config.yaml names it", "'Grade': did you mean 'grade'?"],
    ),
}
