"""What the rules of stage omics read of the config: tables of genes, selections, fits, vocabularies."""

from __future__ import annotations

from typing import Any

from .config import Config, Places, Row, Wildcards
from .downloads import Downloads
from .models import Models


class Omics:
    """Section omics of the config."""

    def __init__(self, config: Config, places: Places, models: Models, downloads: Downloads) -> None:
        self.places, self.models, self.downloads = places, models, downloads
        self.profiles, self.slides = models.profiles, models.slides
        self.section: Config = config["omics"]
        self.consequences = self._table("consequences")
        self.so_terms = self._table("so_terms")
        #: The table of gene names: the config's, else the one that ships; none where names stay as given.
        self.gene_table = [] if self.section["gene_table"] == "as_given" else [self._table("gene_table", "genes/hgnc")]
        self.transcripts = self._given(self.section["transcripts"])
        self.dna_genes = self._given(self.section["dna_genes"])
        #: Names of the panels, sorted, and their lists of genes.
        self.panels = sorted(self.section["panels"])
        self.panel_files = [path for name in self.panels for path in self._given(self.section["panels"][name])]
        #: The sheet of cases, where a design names its columns.
        self.design_cases = self.slides.case_sheet if self.section["vst"]["design"] else []
        #: Folder and sample sheet of each GDC download.
        self.gdc_downloads = {
            cohort: {key: places.find(value) for key, value in entry.items()}
            for cohort, entry in self.section["gdc"].items()
        }
        self.gdc_sheets = [places.given(entry["sample_sheet"]) for entry in self.gdc_downloads.values()]

    def _given(self, name: str) -> list[str]:
        return [self.places.given(self.places.find(name))] if name else []

    def _table(self, key: str, shipped: str = "") -> str:
        """A table of the config, else the one that ships."""
        named = self._given(self.section[key])
        return named[0] if named else self.places.shipped(f"../resources/{shipped or f'consequences/{key}'}.tsv")

    def rna_rows(self, wildcards: Wildcards) -> list[Row]:
        """RNA rows of the profile sheet for the cohort."""
        return self.profiles.values(wildcards.cohort, "rna")

    def dna_rows(self, wildcards: Wildcards) -> list[Row]:
        """DNA rows of the profile sheet for the cohort."""
        return self.profiles.values(wildcards.cohort, "dna")

    def rna_files(self, wildcards: Wildcards) -> list[str]:
        """Every file that holds RNA of the cohort."""
        return self.downloads.given_files(wildcards.cohort, "rna")

    def dna_files(self, wildcards: Wildcards) -> list[str]:
        """Every file that holds DNA of the cohort."""
        return self.downloads.given_files(wildcards.cohort, "dna")

    def rna_tables(self, wildcards: Wildcards) -> list[str]:
        """Tables and lists that are read with them."""
        lists = [*self.gene_list(wildcards), *self.vocabularies(wildcards)]
        return [*self.gene_table, *self.transcripts, *lists, *self.design_cases]

    @property
    def dna_tables(self) -> list[str]:
        """The same of DNA."""
        return [self.consequences, self.so_terms, *self.dna_genes, *self.gene_table, *self.panel_files]

    def selection(self, cohort: str) -> dict[str, Any]:
        """Which genes of a cohort pretraining sees: nothing, {list: path} or {top_sd: number}."""
        chosen = self.section["select"].get(cohort) or {}
        chosen = {key: value for key, value in chosen.items() if value}
        return chosen | ({"list": self.places.find(chosen["list"])} if "list" in chosen else {})

    def gene_list(self, wildcards: Wildcards) -> list[str]:
        """The file of chosen genes, where there is one."""
        chosen = self.selection(wildcards.cohort)
        return [self.places.given(chosen["list"])] if "list" in chosen else []

    def reference(self, cohort: str) -> str:
        """The cohort on whose expression parameters are fitted.

        The one named, else itself if a run trains on it, else the first cohort with expression that a used run trains
        on; itself where there is none.
        """
        named = self.section["fit_on"].get(cohort)
        if named:
            return str(named)
        runs = self.models.runs
        trained = [name for run in self.models.used_runs for name in runs[run]["cohorts"]]
        trained = [name for name in trained if name in self.profiles.cohorts("rna")]
        return cohort if cohort in trained or not trained else trained[0]

    def reference_fit(self, wildcards: Wildcards) -> list[str]:
        """The fit of another cohort that this one takes over."""
        reference = self.reference(wildcards.cohort)
        return [] if reference == wildcards.cohort else [f"<results>/omics/{reference}/rna_fit.h5"]

    def rna_settings(self, wildcards: Wildcards) -> Config:
        """How expression is read and normalised."""
        keys = ("value", "star_column", "size_factors", "dispersions", "vst")
        chosen = {"transcripts": (self.transcripts or [""])[0], "select": self.selection(wildcards.cohort)}
        return {key: self.section[key] for key in keys} | chosen

    def run_gene_table(self, wildcards: Wildcards) -> list[str]:
        """The table of gene names for a run that starts from a scGPT folder, whose words may be retired names."""
        return self.gene_table if self.models.checkpoint_files(wildcards.run) else []

    def vocabulary_runs(self, wildcards: Wildcards) -> list[str]:
        """Used runs that train on the cohort's expression and start from a scGPT folder."""
        runs = {name: self.models.runs[name] for name in self.models.used_runs}
        used = [name for name, run in runs.items() if wildcards.cohort in run["cohorts"] and "rna" in run["modalities"]]
        return [name for name in used if runs[name]["rna_encoder"]["checkpoint"]]

    def vocabularies(self, wildcards: Wildcards) -> list[str]:
        """Vocabularies of these runs."""
        folders = [self.models.runs[run]["rna_encoder"]["checkpoint"] for run in self.vocabulary_runs(wildcards)]
        return [self.places.given(f"{self.places.find(folder)}/vocab.json") for folder in folders]
