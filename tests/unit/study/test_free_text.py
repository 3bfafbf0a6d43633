"""Texts that a page or a terminal could take for more than text are refused, wherever a user can write one."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from molpath.study.config import Places, config_schema, resolve_reference, shipped_yaml
from molpath.study.free_text import REFUSED, check_config, check_sheet, texts_of, why_refused
from molpath.study.problems import Problems
from projects import write_table

HOSTILE = {
    "end of a script": "</script><img src=x onerror=alert(1)>",
    "tag": "a <b>bold</b> word",
    "open tag": "<img src=x onerror=alert(1) ",
    "comment": "<!-- x",
    "instruction": "<?php x",
    "escape of a terminal": "a\x1b[31mb",
    "bell": "a\x07b",
    "other direction": "a\u202eb",
    "line of JavaScript": "a\u2028b",
    "C1": "a\x9bb",
}
LINE_BREAKS = {"line": "a\n\n.. image:: http://b.example/c", "tab": "a\tb", "return": "a\rb"}
ALLOWED = (
    *("<NA>", "<LOD", "T<N", "CD4<CD8", "a<b", "Name <name@example.org>", "<i"),
    *("p < 0.05", "<5 cells", "a & b > c", "\"quoted\" and 'not'", "`code` *b* [c](d)", "![a](http://b.example/c)"),
    *("=SUM(A1)", "-2+3", "@a", "&lt;img&gt;", "{i} {{ j }} {% k %}", "$f$ $g$", "Größe µm² 组织", "<>", "a<"),
)


def columns_of(schema: str) -> list[str]:
    """Columns of a sheet, with one of the user's."""
    return [*shipped_yaml(Places().shipped(f"schemas/{schema}.schema.yaml"))["properties"], "remark"]


SHEETS = {
    "slides.tsv": ("slides", columns_of("slides")),
    "profiles.tsv": ("profiles", columns_of("profiles")),
    "tasks/grade/k=all.tsv": ("splits", ["case_id", "slide_id", "grade", "fold_0", "remark"]),
    "cases.tsv": ("cases", ["case_id", "age", "remark"]),
}


@pytest.fixture
def sheets(project):
    """The project with a sheet of cases."""
    project.cases = [{"case_id": f"C{i}", "age": "50"} for i in range(8)]
    project.config["slides"]["cases"] = "cases.tsv"
    return project


def refusal(project) -> str:
    project.write()
    write_table(project.folder / "cases.tsv", project.cases)
    return project.refusal()


@pytest.mark.parametrize("sheet", SHEETS)
def test_every_column_of_every_sheet_refuses_it(sheets, sheet):
    rows, columns = SHEETS[sheet]
    getattr(sheets, rows)[1].update(dict.fromkeys(columns, HOSTILE["end of a script"]))
    message = refusal(sheets)
    for column in columns:
        place = f"{sheet}, row 3, column {column}: "
        assert f"{place}'</script><img src=x onerror=alert(1)>' looks like HTML ('</')" in message
    assert "-> take the < out, or put a space after it" in message


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_every_kind_is_refused_in_cells_and_names_of_columns(sheets, text):
    sheets.slides[2]["remark"] = text
    sheets.profiles[0][f"more {text}"] = "x"
    message = refusal(sheets)
    assert "slides.tsv, row 4, column remark: " in message
    assert "profiles.tsv, header, column 8: " in message
    assert not set("\x1b\x07\x9b\u202e\u2028") & set(message)


def string_keys() -> list[tuple[str, ...]]:
    """Every key of the config whose value may be any text, '*' for names that the user gives."""
    root = config_schema()

    def walk(schema, keys):
        schema = resolve_reference(schema, root)
        if schema.get("type") == "string" and "enum" not in schema:
            yield keys
        for key, sub in schema.get("properties", {}).items():
            yield from walk(sub, (*keys, key))
        for word, key in (("items", 0), ("additionalProperties", "name")):
            if isinstance(schema.get(word), dict):
                yield from walk(schema[word], (*keys, key))

    return list(walk(root, ()))


@pytest.mark.parametrize("path", string_keys(), ids=lambda keys: "/".join(map(str, keys)))
def test_every_key_of_the_config_refuses_it(path):
    for text in (HOSTILE | LINE_BREAKS).values():
        values = text
        for key in reversed(path):
            values = [values] if key == 0 else {key: values}
        problems = Problems()
        check_config("config", values, problems)
        assert [f"config, key {'/'.join(map(str, path))}: " in problem for problem in problems.found] == [True]


def test_config_and_tasks_are_looked_at_with_the_sheets(project):
    project.config["report"] = {"note": HOSTILE["end of a script"]}
    project.config["probe"]["tasks"]["here--grade"]["family"] = LINE_BREAKS["line"]
    project.task["label_dict"] = {0: "low", 1: HOSTILE["tag"]}
    project.task["<b> more"] = "x"
    project.write()
    message = project.refusal()
    assert "config, key report/note: '</script>" in message
    assert "config, key probe/tasks/here--grade/family: " in message
    assert "has a control character or line break (U+000A)" in message
    assert "tasks/grade/config.yaml, key label_dict/1: " in message
    assert "tasks/grade/config.yaml, key top level: '<b> more' looks like HTML" in message
    assert "4 problems" in message


def test_what_only_looks_odd_is_taken(sheets):
    for rows in (sheets.slides, sheets.profiles, sheets.cases):
        rows.extend(dict(rows[0]) for _ in ALLOWED)
        for place, text in enumerate(ALLOWED):
            rows[place] |= {"remark": text, "site": text, "sample_id": text}
    sheets.task["label_dict"] = {0: "low", 1: ALLOWED[5]}
    sheets.config["report"] = {"note": " ".join(ALLOWED)}
    message = refusal(sheets)
    assert "HTML" not in message
    assert "control character" not in message
    assert " is already in row " in message


@settings(deadline=None)
@given(st.text())
def test_what_is_taken_has_no_tag_and_no_control_character(text):
    if why_refused(text) is None:
        assert all(letter.isprintable() or letter not in "\t\n\r\x0b\x0c\x1b\x00\x85\u2028\u2029" for letter in text)
        lower = text.lower()
        assert not any(begun in lower for begun in ("</", "<!", "<?", "<script>", "<img ", "<svg/"))
    else:
        assert REFUSED.search(text)


@settings(deadline=None)
@given(st.recursive(st.text("ab<", max_size=4), lambda part: st.lists(part) | st.dictionaries(st.text("cd"), part)))
def test_no_text_of_a_config_is_overlooked(values):
    texts = [text for _, text in texts_of(values)]
    assert sorted(texts) == sorted(leaves(values))


def leaves(values) -> list[str]:
    if isinstance(values, dict):
        return [*values, *(text for value in values.values() for text in leaves(value))]
    return [text for value in values for text in leaves(value)] if isinstance(values, list) else [values]


def test_comments_and_line_ends_of_any_kind_are_no_texts(tmp_path):
    (tmp_path / "s.tsv").write_bytes(b"\xef\xbb\xbf# <b>written</b> by hand\r\na\tb\r\n1\t2\r\n")
    problems = Problems()
    check_sheet(str(tmp_path / "s.tsv"), problems)
    assert problems.found == []


def test_configs_that_ship_pass(repository):
    for path in sorted(repository.glob("config/**/*.yaml")):
        problems = Problems()
        check_config(str(path), yaml.safe_load(path.read_text()), problems)
        assert problems.found == []
