"""Tables as hospitals and public portals give them: each slide has the label of its own case, or a sentence why not."""

import pytest
from init_files import features_of, few, labels_of, set_up, slide_files

NAMES = [f"P{k:02d}_{block}" for k in range(1, 11) for block in "AB"]


def number(name):
    return int(name[1:3])


@pytest.fixture
def set_up_with(tmp_path, capsys):
    """A call of `init` on 20 slides of ten cases with a table of one row per slide."""

    def call(header, row, *more, names=NAMES, above=(), end="\n"):
        features = tmp_path / "f"
        if not features.exists():
            features_of(features, few(names))
        table = tmp_path / "l.csv"
        text = end.join([*above, header, *(row(name) for name in names)]) + end
        table.write_bytes(text.encode())
        return set_up(tmp_path / "s", capsys, "--features", features, "--labels", table, *more)

    return call


def cases(result):
    assert result.code == 0, result.err
    return {slide: row["case_id"] for slide, row in result.sheet.items()}


def test_a_minus_is_a_class_next_to_a_plus(set_up_with):
    result = set_up_with("slide,patient,y", lambda n: f"{n},{n[:3]},{'-+'[number(n) % 2]}")
    settings, rows = result.task("y")
    assert settings["label_dict"] == {0: "-", 1: "+"}
    assert {r["slide_id"]: r["y"] for r in rows} == {n: str(number(n) % 2) for n in NAMES}


def test_cases_of_merged_cells_are_those_of_the_names(set_up_with):
    result = set_up_with("slide,patient,y", lambda n: f"{n},{n[:3] * n.endswith('A')},{'ab'[number(n) % 2]}")
    assert cases(result) == {n: n[:3] for n in NAMES}


def test_a_row_without_its_case_is_refused(set_up_with):
    result = set_up_with("slide,patient,y", lambda n: f"{n},{f'K{number(n)}' * n.endswith('A')},{'ab'[number(n) % 2]}")
    assert "l.csv, column patient: 10 slides without a case (P01_B, P02_B, P03_B, …): fill it in" in result.err


def test_two_spellings_are_refused(set_up_with):
    result = set_up_with(
        "slide,patient,y", lambda n: f"{n},{n[:3] if 'A' in n else n[:3].lower()},{'ab'[number(n) % 2]}"
    )
    assert "P01 and p01 differ only in upper and lower case: write them the same way" in result.err
    result = set_up_with(
        "slide,patient,y", lambda n: f"{n},{n[:3]},{['Pos ', 'pos', 'neg'][number(n) % 3]}", "--label", "y"
    )
    assert "y: 'Pos' and 'pos' are spellings of one class: write them the same way" in result.err


def test_words_for_nothing_known_are_no_classes(set_up_with):
    words = ["yes", "no", "Unknown", "not reported"]
    result = set_up_with("slide,patient,y", lambda n: f"{n},{n[:3]},{words[number(n) % 4]}")
    assert result.task("y")[0]["label_dict"] == {0: "no", 1: "yes"}
    assert "not taken as labels: Unknown, not reported" in result.out


@pytest.mark.parametrize(
    ("words", "order"),
    [
        (["Responder", "non-responder"], ["non-responder", "Responder"]),
        (["HPV+", "HPV-"], ["HPV-", "HPV+"]),
        (["metastatic", "non-metastatic"], ["non-metastatic", "metastatic"]),
        (["methylated", "unmethylated"], ["unmethylated", "methylated"]),
    ],
)
def test_the_class_that_says_no_comes_first(set_up_with, words, order):
    result = set_up_with("slide,patient,y", lambda n: f"{n},{n[:3]},{words[number(n) % 2]}")
    assert list(result.task("y")[0]["label_dict"].values()) == order


def test_cases_whose_slides_differ_are_named(set_up_with):
    result = set_up_with("slide,patient,y", lambda n: f"{n},{n[:3]},{'a' if n == 'P03_B' else 'ab'[number(n) % 2]}")
    assert "labels differ within a case: P03)" in result.out


@pytest.mark.parametrize("above", [(), ("# exported 2024",), ("#a,b,c,d", "#1,2,3,4")])
@pytest.mark.parametrize("header", ["#,slide,patient,y", "nr,slide,patient,y"])
def test_a_header_may_have_a_hash(set_up_with, header, above):
    result = set_up_with(
        header, lambda n: f"{number(n)},{n},{n[:3]},{'ab'[number(n) % 2]}", "--label", "y", above=above
    )
    assert cases(result) == {n: n[:3] for n in NAMES}
    assert len(result.task("y")[1]) == 20


def test_a_header_behind_a_hash_is_a_header(set_up_with):
    result = set_up_with("#slide,patient,y", lambda n: f"{n},{n[:3]},{'ab'[number(n) % 2]}")
    assert cases(result) == {n: n[:3] for n in NAMES}


def test_rows_behind_a_hash_are_counted(set_up_with):
    result = set_up_with("slide,patient,y", lambda n: f"{'#' * (n == 'P01_A')}{n},{n[:3]},{'ab'[number(n) % 2]}")
    assert "1 row of l.csv left out for a leading #" in result.out


def test_empty_columns_and_rows_of_a_spreadsheet_are_nothing(set_up_with):
    for header, tail in (("slide,patient,y,,", ""), ("slide,patient,y", ",,"), ("slide,patient,y,", ",,\n , ,")):
        result = set_up_with(header, lambda n, tail=tail: f"{n},{n[:3]},{'ab'[number(n) % 2]}{tail}")
        assert "0 rows of l.csv without a slide" in result.out
        assert result.code == 0, result.err
        result.folder.rename(result.folder.with_name(f"s{len(header)}{len(tail)}"))


def test_a_row_is_named_by_its_line(set_up_with):
    wrong = set_up_with("slide,y", lambda n: f"{n},a{',b' * (n == 'P02_A')}", above=("# one", ""))
    assert "l.csv, row 6: 3 cells, and the header has 2" in wrong.err


def survival(start, header, time, event, *more, mark=","):
    def row(n):
        return mark.join((n, n[:3], str(time(number(n))), str(event(number(n)))))

    return start(mark.join(("slide", "patient", *header)), row, *more)


def test_cases_without_time_or_event_are_counted(set_up_with):
    result = survival(
        set_up_with, ["OS_days", "OS_event"], lambda k: 9 * k, lambda k: {3: "", 5: "Unknown"}.get(k, k % 2)
    )
    assert "3 events, 5 censored cases" in result.out
    assert "without time or event: 2 cases (P03, P05)" in result.out


@pytest.mark.parametrize(
    ("header", "time", "more", "message"),
    [
        (["OS_days", "OS_event"], lambda k: 9 * k, ("--time-unit", "months"), "named after days, and --time-unit"),
        (["t", "censored"], lambda k: 9 * k, ("--time-unit", "days"), "column censored: '0' could be an event or none"),
        (["t", "alive"], lambda k: 9 * k, ("--time-unit", "days"), "column alive: '0' could be an event or none"),
        (["OS_days", "OS_event"], lambda k: ("845", "1.234")[k % 2], (), "'1.234' beside whole numbers"),
        (["OS_days", "OS_event"], lambda k: f"1.{k:03d},5", (), "has a comma"),
        (["OS_days", "OS_event"], lambda k: "inf", (), "'inf' is no number"),
    ],
)
def test_times_and_events_that_could_be_two_things_are_refused(set_up_with, header, time, more, message):
    options = ("--time", header[0], "--event", header[1]) if more else ()
    result = survival(set_up_with, header, time, lambda k: k // 2 % 2, *options, *more, mark=";")
    assert result.code == 1
    assert message in result.err


def test_times_of_events_are_those_of_the_table(set_up_with):
    result = survival(set_up_with, ["OS_years", "vital_alive"], lambda k: f"{k},5", lambda k: ("Dead", "Alive")[k % 2],
                    "--time", "OS_years", "--event", "vital_alive", mark=";")  # fmt: skip
    assert result.code == 0, result.err
    rows = result.task("vital_alive")[1]
    assert {r["slide_id"]: (r["vital_alive_event"], float(r["vital_alive_days"])) for r in rows} == {
        n: (str(1 - number(n) % 2), pytest.approx(365.25 * (number(n) + 0.5), rel=1e-5)) for n in NAMES
    }


@pytest.mark.parametrize("header", ["age,age_days", "treatment,treatment_months", "status,days"])
def test_columns_that_only_look_like_survival_are_none(set_up_with, header):
    result = set_up_with(f"slide,patient,{header},y", lambda n: f"{n},{n[:3]},tumour,{number(n)},{'ab'[number(n) % 2]}")
    assert result.code == 0, result.err
    assert result.task("y")[0]["task_type"] == "classification"


def test_a_comma_in_numbers_is_reported(set_up_with):
    result = set_up_with("slide\tpatient\tage", lambda n: f"{n}\t{n[:3]}\t{number(n)},5", "--label", "age")
    assert "column age: '1,5' has a comma: write decimals with a point" in result.err


TCGA = [f"TCGA-AA-{k:04d}-01Z-00-DX{slide}.{k:08d}-AB" for k in range(10) for slide in (1, 2)]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        ("slide_id", lambda n: n[:23]),  # without UUID
        ("slide_id", lambda n: n if n[11] < "3" else n[:23]),
        ("slide_id", lambda n: f"{n[:23]}.FFFF-00.svs"),  # another file of the slide
        ("sample", lambda n: n[:15]),
        ("sample", lambda n: n[:16]),
        ("bcr_patient_barcode", lambda n: n[:12]),
    ],
)
def test_slides_of_a_patient_of_tcga_stay_together(set_up_with, column, cell):
    result = set_up_with(f"{column},KRAS", lambda n: f"{cell(n)},{('wt', 'mut')[int(n[8:12]) % 2]}", names=TCGA)
    assert cases(result) == {n: n[:12] for n in TCGA}
    assert {r["slide_id"]: r["KRAS"] for r in result.task("KRAS")[1]} == {n: str(int(n[8:12]) % 2) for n in TCGA}


def test_files_without_uuid_find_rows_with_one(set_up_with):
    names = [name[:23] for name in TCGA]
    full = dict(zip(names, TCGA, strict=True))
    result = set_up_with("slide_id,KRAS", lambda n: f"{full[n]},{'ab'[int(n[8:12]) % 2]}", names=names)
    assert cases(result) == {n: n[:12] for n in names}


def test_linked_folders_are_looked_into_once(tmp_path, capsys):
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a").symlink_to(slide_files(tmp_path / "far", ["S1.svs", "S2.SVS", "._S1.svs"]))
    (tmp_path / "far/back").symlink_to(tmp_path / "raw")
    result = set_up(tmp_path / "s", capsys, "--slides", tmp_path / "raw", "--encoder", "mean_colour")
    assert result.code == 0, result.err
    assert sorted(result.sheet) == ["S1", "S2"]


def test_mpp_of_the_table_takes_precedence_over_that_of_all(tmp_path, capsys):
    slides = slide_files(tmp_path / "raw", [f"S{k}.svs" for k in range(4)])
    labels = labels_of(tmp_path / "l.csv", "slide,mpp,y", ["S0,0.25,a", "S1,,b", "S2,,a", "S3,,b"])
    result = set_up(tmp_path / "s", capsys, "--slides", slides, "--labels", labels, "--mpp", "0.5")
    assert [row["mpp"] for row in result.sheet.values()] == ["0.25", "0.5", "0.5", "0.5"]


@pytest.mark.parametrize("ending", ["parquet", "h5ad"])
def test_vectors_of_cases_and_damaged_ones(tmp_path, capsys, ending):
    import anndata
    import numpy as np
    import pandas

    frame = pandas.DataFrame(np.eye(8), columns=[f"v{k}" for k in range(8)])
    ids = pandas.DataFrame({"case_id": [f"C{k}" for k in range(8)]})
    path = tmp_path / f"e.{ending}"
    if ending == "parquet":
        pandas.concat([ids, frame], axis=1).to_parquet(path)
    else:
        anndata.AnnData(frame.to_numpy(), obs=ids.set_axis(map(str, ids.index))).write_h5ad(path)
    labels = labels_of(tmp_path / "l.csv", "patient,y", [f"C{k},{'ab'[k % 2]}" for k in range(8)])
    result = set_up(tmp_path / "s", capsys, "--embeddings", path, "--labels", labels)
    assert result.code == 0, result.err
    assert {r["case_id"]: r["y"] for r in result.task("y")[1]} == {f"C{k}": str(k % 2) for k in range(8)}
    path.write_bytes(path.read_bytes()[:20])
    result = set_up(tmp_path / "t", capsys, "--embeddings", path, "--labels", labels)
    assert f"e.{ending}: can't be read (" in result.err
