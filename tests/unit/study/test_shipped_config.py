"""config/config.yaml as users edit it: an example counts as soon as its `# ` is deleted."""

import re
from pathlib import Path

import pytest
import yaml
from molpath.study.study import Study

SHIPPED = Path(__file__).resolve().parents[3] / "config/config.yaml"
#: Lines that hold an example: a key or an item of a list, indented behind `# ` where it belongs to the key above.
EXAMPLE = re.compile(r"^( *)# ( (?:- |[\w=-]+: )|[a-z_0-9]+: \S)")


def examples():
    """Number of every line with an example, and its key."""
    lines = SHIPPED.read_text().splitlines()
    matches = [(number, EXAMPLE.match(line)) for number, line in enumerate(lines)]
    return [pytest.param(n, id=f"{n + 1}-{lines[n].split(':')[0].strip(' #-{')}") for n, match in matches if match]


def uncommented(*numbers):
    """The config's document with the examples of these lines."""
    lines = SHIPPED.read_text().splitlines()
    for number in numbers:
        lines[number] = EXAMPLE.sub(r"\1\2", lines[number])
    return yaml.safe_load("\n".join(lines))


@pytest.mark.parametrize("number", examples())
def test_an_example_alone_is_valid_yaml_and_changes_the_config(number):
    assert uncommented(number) != yaml.safe_load(SHIPPED.read_text())


def test_all_examples_together_are_valid_yaml():
    assert len(uncommented(*(param.values[0] for param in examples()))["embed"]["models"]) == 8


def test_empty_keys_have_the_defaults_of_the_schema(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("config.yaml").write_text(SHIPPED.read_text())
    config = Study.open("config.yaml").config
    assert config["tiles"]["grids"] == config["features"]["encoders"] == config["pretrain"]["runs"] == {}
    assert config["probe"]["genes"] == config["probe"]["expression"] == config["features"]["use"] == []
