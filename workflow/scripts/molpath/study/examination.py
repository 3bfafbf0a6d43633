"""What `snakemake doctor` is asked to look at: software, folders, encoders, slides, and how much is written."""

from __future__ import annotations

from ..common.requests import DoctorRequest, PatchToRead, SlideToRead
from .config import Config
from .forecast import Forecast
from .inventory import Inventory
from .launcher import NEEDED_SNAKEMAKE, Launcher


class Examination:
    """Puts together what the doctor reads of a study."""

    def __init__(self, config: Config, forecast: Forecast, inventory: Inventory, launcher: Launcher) -> None:
        self.config, self.forecast, self.inventory, self.launcher = config, forecast, inventory, launcher
        self.models, self.tissue, self.places = inventory.models, inventory.tissue, inventory.places

    def request(self) -> DoctorRequest:
        """The request."""
        section, features = self.config["doctor"], self.config["features"]
        runs = [self.models.runs[name] for name in self.models.used_runs]
        gpus = [self.models.encoders.gpus_of(name) for _, name in self.models.used_sources()]
        return {
            "snakemake": self.launcher.version,
            "needed": NEEDED_SNAKEMAKE,
            "plugins": self.launcher.plugins(),
            "profiles": self.launcher.named_profiles(section["profiles"]),
            "deployment": sorted(self.launcher.deployment),
            "results": self.places.results,
            "resources": self.places.resources,
            "scratch": [features["scratch"], features["scratch_gb"]],
            "plan": self.forecast.request(),
            "ask_hub": section["ask_hub"],
            "encoders": self.inventory.encoders(),
            "slide_encoders": self.inventory.slide_encoders(),
            "weights": self.inventory.weights(),
            "slides": self.kept_slides(),
            "read_slides": section["slides"],
            "deadline_s": self.config["slides"]["deadline_s"],
            "patch": self.patch(),
            "batch_bytes": self.batch_bytes(),
            "processes": max((run["training"]["processes"] for run in runs), default=1),
            "trains": bool(runs),
            "networks": bool(self.tissue.gpus or runs or any(gpus)),
        }

    def kept_slides(self) -> list[SlideToRead]:
        """Raw slides that the sheet does not exclude; made: whether a rule makes the file."""
        slides = self.models.slides
        rows = (row for shard in slides.shards for row in slides.values(shard) if row["path"] and row["keep"] != "no")
        return [
            {
                "slide_id": row["slide_id"],
                "path": row["path"],
                "mpp": row["mpp"],
                "made": self.places.is_made(row["path"]),
            }
            for row in rows
        ]

    def patch(self) -> PatchToRead:
        """Size of a patch in pixels and its resolution, of the first grid that is read."""
        grids = [self.models.grids.by_name[grid] for grid, _ in self.models.used_sources()]
        grid = grids[0] if grids else {"patch_size": 512, "mpp": None, "magnification": 20}
        return {"size": grid["patch_size"], "mpp": grid["mpp"] or 10 / grid["magnification"]}

    def batch_bytes(self) -> int:
        """Bytes of patches that readers and encoder of one job share, at most: four batches of 256 where not given."""
        encoders, grids = self.models.encoders.entries, self.models.grids.by_name
        sizes = [
            4 * (encoders[name]["batch_size"] or 256) * 3 * grids[grid]["patch_size"] ** 2
            for grid, name in self.models.used_sources()
        ]
        return max(sizes, default=0)
