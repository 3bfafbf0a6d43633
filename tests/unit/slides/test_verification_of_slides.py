"""Slides compared with what inspection saw, by their contents."""

import hashlib
import os

from molpath.slides.inspection import inspect_shard
from molpath.slides.verification import compare_slides
from slide_files import picture, write_jpeg_pyramid


def test_a_slide_of_the_same_size_and_time_is_distinguished(tmp_path):
    slides = []
    for number in range(3):
        path = tmp_path / f"S{number}.tif"
        write_jpeg_pyramid(path, picture(256, 256, number))
        slides.append({"slide_id": f"S{number}", "path": str(path), "mpp": "0.5", "keep": "auto", "md5": ""})
    inspect_shard(slides=slides, manifest=tmp_path / "00000.tsv")
    manifests = [tmp_path / "00000.tsv", tmp_path / "not_there_yet.tsv"]
    assert compare_slides(slides, manifests, threads=2) == ([], 3)
    path, state = tmp_path / "S1.tif", os.stat(tmp_path / "S1.tif")
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 255
    path.write_bytes(data)
    os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    slides[0]["md5"] = hashlib.md5((tmp_path / "S0.tif").read_bytes()).hexdigest().upper()
    slides[2]["md5"] = "0" * 32
    problems, count = compare_slides(slides, manifests)
    assert count == 3
    assert [text.split(";")[0].removeprefix(f"{tmp_path}/") for text in problems] == [
        "S1.tif (slide S1): other contents than inspection saw",
        "S2.tif (slide S2): another MD5 than the slide sheet announces",
    ]
    (tmp_path / "S1.tif").unlink()
    assert "no such file" in compare_slides(slides, manifests)[0][0]
