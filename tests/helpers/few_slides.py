"""The stages from slides to embeddings on three generated (synthetic) slides, in one process: as job scripts call them,
without Snakemake."""

from pathlib import Path

import pandas as pd
from molpath.common import job_files
from molpath.demo.slide_files import make_slide
from molpath.embed.embedding import embed_block, gather_embeddings
from molpath.features.extraction import extract_shard
from molpath.pretrain.store import pack_patches
from molpath.slides.inspection import inspect_shard
from molpath.tables.cohort import _gallery
from molpath.tiles.tiling import tile_shard
from molpath.tissue.assessment import assess_shard
from schema_defaults import defaults_of

GRID = {"name": "20x_256px_0px_overlap", "label": "", "mpp": None, "scale": "mpp", "magnification": 20}
GRID |= {"patch_size": 256, "overlap": 0, "min_tissue": 0.25, "drop": ["pen"], "max_dropped_fraction": 0.5, "like": ""}
ENCODER = {"name": "mean_colour", "adapter": "mean_colour", "features": "", "workers": 1, "batch_size": 16}
NAMES = ("A", "B", "C")


class FewSlides:
    """A folder of slides and results; each stage is a method that does what its job does, and records it."""

    def __init__(self, folder: Path):
        self.results, self.wsi, self.code = folder / "results", folder / "results/wsi", "0"
        raw = folder.parent / "raw"
        self.slides = [
            {"slide_id": name, "path": str(raw / f"{name}.svs"), "mpp": "", "keep": "yes", "case_id": name}
            for name in NAMES
        ]

    def draw(self) -> None:
        """Write the slides and the sheet."""
        for index, slide in enumerate(self.slides):
            Path(slide["path"]).parent.mkdir(parents=True, exist_ok=True)
            make_slide(slide | {"objective": "20", "special": ""}, index, size=(1280, 1280))
        lines = ["slide_id\tcase_id", *(f"{name}\t{name}" for name in NAMES)]
        (self.results / "omics").mkdir(parents=True)
        (self.results / "sheet.tsv").write_text("\n".join(lines) + "\n")
        pairs = ["slide_id\tstatus", *(f"{name}\tpaired" for name in NAMES)]
        (self.results / "omics/pairs.tsv").write_text("\n".join(pairs) + "\n")

    def path(self, stage: str, name: str = "00000.tsv") -> str:
        """A declared file of a stage."""
        between = {"tiles": GRID["name"], "features": f"{GRID['name']}/mean_colour", "pretrain": "store/g/e"}
        return str(self.results / stage / between.get(stage, "") / name)

    def job(self, work, inputs: list[str], outputs: list[str], **arguments) -> None:
        """Look at inputs, delete outputs as Snakemake does, work, and record what was made."""
        job_files.check(inputs)
        job_files.forget(outputs)
        for path in map(Path, outputs):
            path.unlink(missing_ok=True)
            path.parent.mkdir(parents=True, exist_ok=True)
        work(**arguments)
        job_files.record(outputs, str(self.results))

    def inspect(self) -> None:
        """Stage slides."""
        self.job(inspect_shard, [], [self.path("slides")], slides=self.slides, manifest=self.path("slides"))

    def assess(self) -> None:
        """Stage tissue."""
        options = {
            "inspected": self.path("slides"),
            "manifest": self.path("tissue"),
            "wsi": str(self.wsi),
            "code": self.code,
        }
        settings = defaults_of("tissue")
        outputs = [self.path("tissue")]
        self.job(assess_shard, [self.path("slides")], outputs, slides=self.slides, settings=settings, **options)

    def tile(self) -> None:
        """Stage tiles."""
        inputs = {"inspected": self.path("slides"), "assessed": self.path("tissue")}
        more = {"manifest": self.path("tiles"), "wsi": str(self.wsi), "grid": GRID, "code": self.code}
        self.job(tile_shard, list(inputs.values()), [self.path("tiles")], **inputs, **more)

    def extract(self) -> None:
        """Stage features."""
        inputs = {"inspected": self.path("slides"), "tiles": self.path("tiles")}
        more = {"slides": {slide["slide_id"]: slide["path"] for slide in self.slides}, "encoder": ENCODER}
        more |= {"manifest": self.path("features"), "wsi": str(self.wsi), "grid": GRID, "code": self.code}
        self.job(extract_shard, list(inputs.values()), [self.path("features")], **inputs, **more)

    def pack(self) -> None:
        """Packed store."""
        inputs = {"manifest": self.path("features"), "pairs": str(self.results / "omics/pairs.tsv")}
        outputs = {"patches": self.path("pretrain", "00000.npy"), "index": self.path("pretrain")}
        finished = str(self.results / "pretrain/.finished")
        job = {"wsi": str(self.wsi), "finished": finished, "code": self.code}
        self.job(pack_patches, list(inputs.values()), list(outputs.values()), **inputs, **outputs, **job)

    def embed(self) -> None:
        """Block of embeddings."""
        model = {"name": "mean", "kind": "mean", "cases": "union"}
        members = {name: [name] for name in NAMES}
        block, finished = self.path("embed", "00000.h5"), str(self.results / "embed/.finished")
        inputs = {"members": members, "cases": {name: name for name in NAMES}, "model": model, "sources": []}
        inputs |= {"manifests": [self.path("features")], "wsi": str(self.wsi), "finished": finished, "code": self.code}
        self.job(embed_block, [self.path("features")], [block], output=block, **inputs)

    def gather(self) -> None:
        """Embeddings of all slides."""
        block, table, manifest = (self.path("embed", name) for name in ("00000.h5", "slides.h5ad", "slides.tsv"))
        inputs = {"sheet": str(self.results / "sheet.tsv"), "unit": "slide_id"}
        inputs["model"] = {"name": "mean", "kind": "mean"}
        inputs |= {"blocks": [block], "output": table, "manifest": manifest}
        self.job(gather_embeddings, [block], [table, manifest], **inputs)

    def show(self) -> None:
        """The pictures of the page of slides."""
        _gallery(pd.DataFrame({"slide_id": NAMES}), str(self.wsi), str)

    def run(self) -> None:
        """Every stage."""
        for stage in (self.inspect, self.assess, self.tile, self.extract, self.pack, self.embed, self.gather):
            stage()
