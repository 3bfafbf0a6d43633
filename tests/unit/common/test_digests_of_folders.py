"""sha256.txt of a folder, as people and programs write it."""

from molpath.common.digests import listed_digests

DIGEST = "0123456789abcdef" * 4


def test_lines_are_read_as_sha256sum_writes_them(tmp_path):
    lines = [f"{DIGEST}  config.json", f"{DIGEST.upper()} *model.safetensors", f"{DIGEST}  two words.txt", "a note"]
    (tmp_path / "sha256.txt").write_text("\n".join(lines))
    assert listed_digests(tmp_path) == dict.fromkeys(("config.json", "model.safetensors", "two words.txt"), DIGEST)


def test_bytes_that_are_no_text_list_nothing(tmp_path):
    (tmp_path / "sha256.txt").write_bytes(b"\xff\xfe\x00" + DIGEST.encode() + b"\n" + f"{DIGEST}  a.txt\n".encode())
    assert listed_digests(tmp_path) == {"a.txt": DIGEST}
