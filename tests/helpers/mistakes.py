"""Mistakes of users: how a valid project is spoiled, and what the message must say."""

from mistakes_in_sheets import IN_SHEETS
from mistakes_in_tasks import IN_TASKS
from mistakes_in_values import IN_VALUES
from mistakes_in_yaml import IN_YAML

# name -> (how the valid project is spoiled, what the message must say)
MISTAKES = {
    "unknown key": (
        lambda p: p.config["slides"].update(slidesperjob=3),
        ["config, key slides: unknown key 'slidesperjob'", "known keys: cases, deadline_s"],
    ),
    "wrong type": (
        lambda p: p.config["slides"].update(slides_per_job="many"),
        ["config, key slides/slides_per_job: 'many' is not a whole number", "Consecutive rows of the sheet"],
    ),
    "value out of range": (
        lambda p: p.config["slides"].update(max_failed_fraction=2),
        ["config, key slides/max_failed_fraction: 2 is greater than the maximum of 1"],
    ),
    "reference that is no model": (
        lambda p: p.config.update(report={"reference": "best"}),
        ["config, key report/reference: no model in use is called 'best'", "or use one of: mean"],
    ),
    "unknown method": (
        lambda p: p.config.update(tissue={"method": "magic"}),
        ["config, key tissue/method: 'magic' is not one of", "one of: 'otsu'"],
    ),
    "network without weights": (
        lambda p: p.config.update(tissue={"method": "deeplab"}),
        ["config, key tissue/weights: empty, and method deeplab is a network", "workflow/docs/segmentation.md"],
    ),
    "weights that are not there": (
        lambda p: p.config.update(tissue={"method": "grandqc", "weights": "w.pth", "sha256": "0" * 64}),
        ["config, key tissue/weights: no such file: w.pth", "correct the path"],
    ),
    "weights without a digest": (
        lambda p: p.config.update(tissue={"method": "fpn", "weights": "files/S0.svs"}),
        ["config, key tissue/sha256: empty, and files/S0.svs is not opened without one", "sha256sum files/S0.svs"],
    ),
    "digest that is none": (
        lambda p: p.config.update(tissue={"method": "fpn", "weights": "files/S0.svs", "sha256": "abc"}),
        ["config, key tissue/sha256: 'abc' does not match", "64 hexadecimal digits"],
    ),
    "artefact weights without a digest": (
        lambda p: p.config.update(tissue={"artefacts": {"weights": "files/S0.svs"}}),
        ["config, key tissue/artefacts/sha256: empty", "sha256sum files/S0.svs"],
    ),
    "class that the network has not": (
        lambda p: p.config.update(
            tissue={"method": "fpn", "weights": "files/S0.svs", "sha256": "0" * 64, "fpn": {"tissue_class": 2}}
        ),
        ["config, key tissue/fpn/tissue_class: 2 is none of 2 classes", "count from 0"],
    ),
    "windows narrower than what they share": (
        lambda p: p.config.update(
            tissue={"method": "fpn", "weights": "files/S0.svs", "sha256": "0" * 64, "fpn": {"patch_size": 256}}
        ),
        ["config, key tissue/overlap: windows of 256 pixels can't share 128", "less than half"],
    ),
    "no folder of contours": (
        lambda p: p.config.update(tissue={"method": "contours", "contours": "drawn"}),
        ["config, key tissue/contours: no such folder: 'drawn'", "name the folder of <slide>.geojson files"],
    ),
    "no slide sheet": (
        lambda p: p.config["slides"].update(sheet="nowhere.tsv"),
        ["nowhere.tsv: no such file", "name a sheet that exists"],
    ),
    "missing column": (
        lambda p: [row.pop("case_id") for row in p.slides],
        ["slides.tsv, header, column case_id: missing; the header has: slide_id, path, cohort, mpp", "add the column"],
    ),
    "duplicate slide id": (
        lambda p: p.slides[3].update(slide_id="S0"),
        ["slides.tsv, row 5, column slide_id: S0 is already in row 2", "give every slide an id of its own"],
    ),
    "id that is no file name": (
        lambda p: p.slides[0].update(slide_id="../S0"),
        ["slides.tsv, row 2, column slide_id: '../S0' is not allowed", "Letters, digits and . _ -"],
    ),
    "missing slide file": (
        lambda p: p.absent.add("files/S4.svs"),
        ["slides.tsv, row 6, column path: no such file: files/S4.svs", "correct the path"],
    ),
    "slide without a file": (
        lambda p: p.slides[4].update(path=""),
        ["slides.tsv, row 6, column path: empty, and no encoder reads features that another tool made", "precomputed"],
    ),
    "map of a slide without a file": (
        lambda p: (
            p.slides[4].update(path=""),
            p.config["features"]["encoders"].update(theirs={"adapter": "precomputed", "folder": "files"}),
            p.config["embed"].update(attention=["S4"]),
        ),
        ["config, key embed/attention: slide S4 has no raw file, and the map is drawn on it", "slides.tsv"],
    ),
    "slide in a bucket": (
        lambda p: p.slides[4].update(path="s3://bucket/S4.svs"),
        [
            "slides.tsv, row 6, column path: s3://bucket/S4.svs is an address, and a file is expected",
            "mount the bucket read-only and name the file there; slides and profiles are downloaded if column url",
        ],
    ),
    "download_above_the_study": (
        lambda p: (
            [row.update(url="https://x.org/a" if i == 4 else "") for i, row in enumerate(p.slides)],
            p.slides[4].update(path="../../escaped.svs"),
        ),
        ["slides.tsv, row 6, column path: ../../escaped.svs would be written outside", "acquire/folders"],
    ),
    "download_to_an_absolute_path": (
        lambda p: (
            [row.update(url="https://x.org/a" if i == 1 else "") for i, row in enumerate(p.profiles)],
            p.profiles[1].update(path="/nowhere/x.tsv"),
        ),
        ["profiles.tsv, row 3, column path: /nowhere/x.tsv would be written outside", "acquire/folders"],
    ),
    "download to an address": (
        lambda p: p.slides[4].update(path="https://here.org/S4.svs", url="https://there.org/S4.svs"),
        ["slides.tsv, row 6, column path: https://here.org/S4.svs is an address"],
    ),
    "profile in a bucket": (
        lambda p: p.profiles[1].update(path="gs://bucket/P2.tsv"),
        ["profiles.tsv, row 3, column path: gs://bucket/P2.tsv is an address", "workflow/docs/data.md"],
    ),
    "download by a way that is not known": (
        lambda p: [row.update(url="ftp://there.org/x" if i == 4 else "") for i, row in enumerate(p.slides)],
        ["slides.tsv, row 6, column url: 'ftp://there.org/x' is not allowed", "downloaded to path (http, https, s3)"],
    ),
    "mpp that is no number": (
        lambda p: p.slides[1].update(mpp="0,25"),
        ["slides.tsv, row 3, column mpp: '0,25' is not allowed", "use a decimal point: 0.25"],
    ),
    "unknown encoder of a model": (
        lambda p: p.config["embed"]["models"]["mean"].update(encoder="uni_v9"),
        ["config, key embed/models/mean/encoder: no encoder is called 'uni_v9'", "use one of: tiny"],
    ),
    "unknown adapter": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(adapter="inception"),
        ["config, key features/encoders/tiny/adapter: unknown encoder 'inception'", "or module:function"],
    ),
    "weights of an encoder that are not there": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(adapter="uni_v1", weights="uni/pytorch_model.bin"),
        ["config, key features/encoders/tiny/weights: no such file: uni/pytorch_model.bin"],
    ),
    "stains without a target": (
        lambda p: p.config["features"]["encoders"]["tiny"].update(stain={"method": "reinhard"}),
        ["config, key features/encoders/tiny/stain/target: empty, and Reinhard's method has no reference of its own"],
    ),
    "unknown model in use": (
        lambda p: p.config["embed"]["use"].append("titan"),
        ["config, key embed/use: no model is called 'titan'", "use one of: mean, threads"],
    ),
    "two grids of one name": (
        lambda p: p.config["tiles"]["grids"].update(other={"patch_size": 256}),
        [
            "config, key tiles/grids/other: same folder 20x_256px_0px_overlap as grid 'main'",
            "give one of them a `label`",
        ],
    ),
    "micrometres per pixel of a grid like TRIDENT's": (
        lambda p: p.config["tiles"]["grids"]["main"].update(mpp=0.5, like="trident"),
        ["config, key tiles/grids/main: mpp has no meaning with like: trident", "leave one of them out"],
    ),
    "half scale on a grid like TRIDENT's": (
        lambda p: (
            p.config["tiles"]["grids"]["main"].update(like="trident"),
            p.config["features"]["encoders"]["tiny"].update(decode="half"),
        ),
        ["config, key features/encoders/tiny/decode: half gives other pixels than TRIDENT's", "decode: exact"],
    ),
    "folder of given coordinates that is not there": (
        lambda p: p.config["tiles"]["grids"]["main"].update(coords="nowhere/patches"),
        ["config, key tiles/grids/main/coords: no such folder: 'nowhere/patches'", "<slide>_patches.h5"],
    ),
    "unknown cohort": (
        lambda p: p.config["pretrain"]["runs"]["one"].update(cohorts=["Z"]),
        ["config, key pretrain/runs/one/cohorts: no cohort of slides.tsv is called 'Z'", "use one of: A, B"],
    ),
    "unknown format": (
        lambda p: p.profiles[0].update(format="excel"),
        ["profiles.tsv, row 2, column format: 'excel' is not allowed", "'gdc_star'"],
    ),
    "words of the GDC for tumour and normal": (
        lambda p: p.profiles[0].update(sample_type="Primary Tumor"),
        ["profiles.tsv, row 2, column sample_type: 'Primary Tumor' is not allowed", "one of: '', 'tumour', 'normal'"],
    ),
    "words of the GDC in the slide sheet": (
        lambda p: [slide.update(sample_type="Solid Tissue Normal") for slide in p.slides],
        ["slides.tsv, row 2, column sample_type: 'Solid Tissue Normal' is not allowed", "'', 'tumour', 'normal'"],
    ),
    "unknown kind of specimen of a profile": (
        lambda p: p.profiles[0].update(specimen="paraffin"),
        ["profiles.tsv, row 2, column specimen: 'paraffin' is not allowed", "one of: '', 'FFPE', 'frozen'"],
    ),
    "share of found profiles that is none": (
        lambda p: p.config["omics"].update(mutations={"least_found": 2}),
        ["config, key omics/mutations/least_found"],
    ),
    "missing profile file": (
        lambda p: p.absent.add("files/P2.tsv"),
        ["profiles.tsv, row 3, column path: no such file: files/P2.tsv"],
    ),
    "profile of two cases": (
        lambda p: p.profiles[1].update(profile_id="P0", format="matrix"),
        ["profiles.tsv, row 3, column case_id: profile P0 belongs to case C0 in an earlier row"],
    ),
    "z-scores in pretraining": (
        lambda p: p.profiles[0].update(unit="zscore"),
        ["profiles.tsv, row 2, column unit: run one would train on z-scores", "give counts or TPM"],
    ),
    "unit that does not exist": (
        lambda p: p.profiles[0].update(unit="log10"),
        ["profiles.tsv, row 2, column unit: 'log10' is not allowed", "'log2_tpm_plus_1'"],
    ),
    "cohort fitted on an unknown one": (
        lambda p: p.config["omics"].update(fit_on={"B": "Z"}),
        ["config, key omics/fit_on/B: no cohort with rna in profiles.tsv is called 'Z'", "use one of: A"],
    ),
    "selection of two kinds": (
        lambda p: p.config["omics"].update(select={"A": {"list": "genes.txt", "top_sd": 5}}),
        ["config, key omics/select/A:"],
    ),
    "missing list of genes": (
        lambda p: p.config["omics"].update(select={"A": {"list": "genes.txt"}}),
        ["config, key omics/select/A/list: no such file: genes.txt"],
    ),
    "panel without genes": (
        lambda p: (
            [row.update(modality="dna", format="maf", unit="", panel="P") for row in p.profiles[3:]]
            and [row.setdefault("panel", "") for row in p.profiles]
        ),
        ["profiles.tsv, row 5, column panel: panel 'P' has no genes", "name its file under omics/panels"],
    ),
    "leak allowed for nobody": (
        lambda p: p.config["omics"].update(allow_leakage=["C77"]),
        ["config, key omics/allow_leakage: no case 'C77' in slides.tsv"],
    ),
    "value that does not exist": (
        lambda p: p.config["omics"].update(value="rpkm"),
        ["config, key omics/value: 'rpkm' is not one of", "'log2_tpm', 'log2_cpm', 'vst'"],
    ),
}
MISTAKES |= IN_TASKS | IN_YAML | IN_VALUES | IN_SHEETS
