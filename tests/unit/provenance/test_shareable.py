"""What a run reports of its config reveals nothing of its machine and its user."""

import getpass
import platform

import pytest
from hypothesis import given
from hypothesis import strategies as st
from molpath.provenance.shareable import shareable

SECRET = "s3cr3t"
REPLACED = [
    ("/data/x", "…/x"),
    ("~/x", "…/x"),
    ("../jane/b", "…/b"),
    ("./../../home/jane/b", "…/b"),
    ("slides/../../jane/b", "…/b"),
    ("file:///home/jane/b", "…/b"),
    ("FILE:///home/jane/b", "…/b"),
    ("--data=/home of jane/b", "--data=…/b"),
    ("read ~jane/b, then /home/jane/c", "read …/b, then …/c"),
    (r"C:\Users\jane\b", "…/b"),
    (r"\\host\jane\b", "…/b"),
    ("jane@cluster.example.org:/data", "…@cluster.example.org:…/data"),
    ("s3://jane:s3cr3t@bucket/x", "s3://bucket/x"),
    ("HTTPS://jane:s3cr3t@Example.org/x", "HTTPS://Example.org/x"),
    ("https://jane:s3/cr3t@example.org/x", "https://example.org/x"),
    ("https://jane:s3 cr3t@example.org/x", "https://example.org/x"),
    ("https://example.org/x?token=s3cr3t", "https://example.org/x"),
    ("https://example.org/x#access_token=s3cr3t", "https://example.org/x"),
    ("from https://jane@example.org/x and ftp://jane@b.org", "from https://example.org/x and ftp://b.org"),
]
KEPT = (
    "s3://bucket/slides",
    "https://example.org:8080/a@b/c",
    "mean",
    "20x",
    "slides/a.tsv",
    "H&E / IHC",
    "^TCGA-(..)-",
)


@pytest.mark.parametrize(("value", "replaced"), REPLACED)
def test_what_is_private_is_left_out(value, replaced):
    assert shareable(value) == replaced
    assert shareable({value: [(value,)]}) == {replaced: [[replaced]]}


@pytest.mark.parametrize("value", [*KEPT, 3, None, True, 0.5])
def test_what_is_public_is_kept(value):
    assert shareable(value) == value


def test_folders_named_for_the_user_or_the_host(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    user, host = getpass.getuser(), platform.node()
    assert shareable(f"results/{user}/{host}/x") == "results/…/…/x"
    assert shareable(str(tmp_path / "a" / "x")) == "a/x"


WORDS = st.text(st.characters(codec="utf-8", exclude_characters="/\\@:?#\"'<>|,; \n\t=~."), max_size=5)


@given(WORDS, st.sampled_from(["https", "S3", "ftp", "gs"]), WORDS, st.sampled_from(["?", "#", "/?a=1&t=", "#t="]))
def test_no_address_reveals_a_login_or_a_token(before, scheme, user, mark):
    value = f"{before} {scheme}://{user}:{SECRET}@example.org/x{mark}{SECRET}"
    assert SECRET not in str(shareable(value))


@given(WORDS, st.sampled_from(["/", "~/", "../", "./../", "C:\\", "\\\\host\\", "file:///"]), WORDS)
def test_no_path_reveals_a_folder_outside(before, start, name):
    for joint in ("", " ", "="):
        lead = f"{before}{joint}" if joint or not before else ""
        assert "janesfolder" not in str(shareable(f"{lead}{start}janesfolder/{name}x"))
