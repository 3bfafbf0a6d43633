"""The methods as assess_tissue runs them: files, reasons, and what makes a slide's result again."""

import hashlib
import json

import cv2
import numpy as np
import pytest
from molpath.common.contained import MethodUnusable
from molpath.common.manifests import accepted, read_manifest, write_manifest
from molpath.tissue.assessment import assess_shard
from molpath.tissue.segmentation import hsv, inputs_of
from PIL import Image
from schema_defaults import defaults_of

PINK, GLASS = (215, 140, 180), (243, 243, 244)
SETTINGS = defaults_of("tissue")
SETTINGS["fpn"] |= {
    "encoder": "resnet18",
    "mpp": 4.0,
    "patch_size": 320,
    "mean": [0.5, 0.5, 0.5],
    "std": [0.2, 0.2, 0.2],
}


class Shard:
    """Two synthetic slides of 800 x 640 pixels at 2 µm, and the job over them."""

    def __init__(self, folder):
        self.folder, self.wsi = folder, folder / "results/wsi"
        self.slides, rows = [], []
        for name in ("S1", "S2"):
            image = np.full((640, 800, 3), GLASS, np.uint8)
            cv2.circle(image, (400, 320), 200, PINK, -1)
            Image.fromarray(image).save(folder / f"{name}.png")
            self.slides.append({"slide_id": name, "path": str(folder / f"{name}.png"), "keep": "yes"})
            rows.append(accepted(name, identity=f"identity {name}", mpp="2"))
        write_manifest(folder / "slides.tsv", rows, ["identity", "mpp"])

    def assess(self, **changes):
        """Rows of the manifest by slide."""
        settings = SETTINGS | changes
        manifest = self.folder / "results/tissue/00000.tsv"
        assess_shard(
            slides=self.slides,
            inspected=str(self.folder / "slides.tsv"),
            manifest=str(manifest),
            wsi=str(self.wsi),
            settings=settings,
            code="code",
        )
        return {row["slide_id"]: row for row in read_manifest(manifest)}

    def classes(self, slide_id):
        """The class map of a slide."""
        return np.asarray(Image.open(self.wsi / f"quality/{slide_id}.png"))


@pytest.fixture
def shard(tmp_path):
    """Two slides of a shard."""
    return Shard(tmp_path)


def draw(folder, name, corners):
    """A rectangle that somebody drew in QuPath."""
    (left, top), (right, bottom) = corners
    ring = [[left, top], [right, top], [right, bottom], [left, bottom], [left, top]]
    folder.mkdir(exist_ok=True)
    geometry = {"type": "Polygon", "coordinates": [ring]}
    (folder / f"{name}.geojson").write_text(json.dumps([{"type": "Feature", "geometry": geometry, "properties": {}}]))
    return [ring]


def test_given_polygons_are_the_tissue_and_a_slide_without_is_set_aside(shard, tmp_path):
    folder = tmp_path / "drawn"
    rings = draw(folder, "S1", ((100, 120), (420, 520)))
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    rows = shard.assess(method="contours", contours=str(folder))
    assert rows["S1"]["status"] == "ok"
    assert float(rows["S1"]["area_mm2"]) == pytest.approx(320 * 400 * 4e-6, rel=0.03)
    written = json.loads((shard.wsi / "contours_geojson/S1.geojson").read_text())
    assert [f["geometry"]["coordinates"] for f in written["features"]] == [rings]
    assert (rows["S2"]["status"], rows["S2"]["reason"]) == ("set_aside", "no_contours")
    assert str(folder) in rows["S2"]["detail"]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before


def test_a_slide_is_made_again_when_its_polygons_are_redrawn_not_when_they_are_moved(shard, tmp_path):
    draw(tmp_path / "drawn", "S1", ((100, 120), (420, 520)))
    first = shard.assess(method="contours", contours=str(tmp_path / "drawn"))
    written_at = (shard.wsi / "contours_geojson/S1.geojson").stat().st_mtime_ns
    (tmp_path / "drawn").rename(tmp_path / "moved")
    assert shard.assess(method="contours", contours=str(tmp_path / "moved")) | {"S2": 0} == first | {"S2": 0}
    assert (shard.wsi / "contours_geojson/S1.geojson").stat().st_mtime_ns == written_at
    draw(tmp_path / "moved", "S1", ((100, 120), (520, 520)))
    again = shard.assess(method="contours", contours=str(tmp_path / "moved"))
    assert float(again["S1"]["area_mm2"]) > float(first["S1"]["area_mm2"])


def test_only_what_the_method_reads_decides():
    def changed(method, **changes):
        settings = SETTINGS | {"method": method}
        return inputs_of(settings, None) != inputs_of(settings | changes, None)

    other = {"fpn": SETTINGS["fpn"] | {"mpp": 2.0}}
    assert not changed("otsu", hsv={}, sha256="1", weights="w", threshold=0.1, overlap=64, contours="c", **other)
    assert changed("otsu", min_region_mm2=1)
    assert changed("hsv", hsv={})
    assert changed("fpn", **other)
    assert not changed("deeplab", **other)
    for key, value in {"sha256": "1", "threshold": 0.1, "overlap": 64}.items():
        assert changed("deeplab", **{key: value}), key
    assert not changed("deeplab", weights="moved")
    used = {"artefacts": {"weights": "w", "sha256": "1", "mpp": 1.0, "alone": False}}
    assert changed("otsu", **used)
    moved = {"artefacts": used["artefacts"] | {"weights": "elsewhere"}}
    assert inputs_of(SETTINGS | used, None) == inputs_of(SETTINGS | moved, None)


def test_hsv_keeps_stains_and_leaves_out_ink_and_glass():
    image = np.full((200, 200, 3), GLASS, np.uint8)
    patches = {
        (180, 90, 160): True,
        (110, 70, 150): True,
        (150, 90, 40): True,
        (20, 140, 60): False,
        (15, 15, 18): False,
    }
    for number, colour in enumerate(patches):
        image[60:140, 10 + 38 * number : 38 + 38 * number] = colour
    mask = hsv(image, SETTINGS["hsv"])
    for number, kept in enumerate(patches.values()):
        assert mask[70:130, 18 + 38 * number : 30 + 38 * number].mean() == float(kept)
    assert not mask[:40].any()
    narrow = hsv(image, SETTINGS["hsv"] | {"hue": [50, 80]})
    assert narrow[100, 10 + 38 * 3 + 14]
    assert not narrow[100, 20]


def save_biased(network, towards, folder):
    """Weights of a network that answers with one class everywhere, and their digest."""
    import torch

    with torch.no_grad():
        network.segmentation_head[0].weight.zero_()
        network.segmentation_head[0].bias.zero_()
        network.segmentation_head[0].bias[towards] = 10
    path = folder / f"{type(network).__name__}.pth"
    torch.save(network.state_dict(), path)
    return {"weights": str(path), "sha256": hashlib.sha256(path.read_bytes()).hexdigest()}


def test_networks_in_the_job(shard, tmp_path, vision_libraries):
    import segmentation_models_pytorch as smp

    tissue = save_biased(smp.FPN("resnet18", encoder_weights=None, classes=2), 1, tmp_path)
    fold = save_biased(smp.Unet("timm-efficientnet-b0", encoder_weights=None, classes=8), 2, tmp_path)
    rows = shard.assess(method="fpn", **tissue)
    assert rows["S1"]["status"] == "ok"
    assert float(rows["S1"]["tissue_fraction"]) > 0.9  # it calls everything tissue, glass between it too
    assert rows["S1"]["artefact_fraction"] == ""
    assert set(np.unique(shard.classes("S1"))) <= {0, 1, 6}  # the rules call a flat picture out of focus
    rows = shard.assess(artefacts=SETTINGS["artefacts"] | fold | {"mpp": 2.0})
    assert float(rows["S1"]["artefact_fraction"]) > 0.95
    classes = shard.classes("S1")
    assert classes[80, 100] == 2
    assert classes[2, 2] == 0


def test_wrong_weights_end_the_job_and_cost_no_slide(shard, tmp_path, vision_libraries):
    path = tmp_path / "w.pth"
    path.write_bytes(b"weights")
    with pytest.raises(MethodUnusable, match="SHA-256"):
        shard.assess(method="fpn", weights=str(path), sha256="0" * 64)
    assert not (tmp_path / "results/tissue/00000.tsv").exists()
