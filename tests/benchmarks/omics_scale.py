"""Expression at TCGA's size: STAR files to h5ad (time, memory, resuming after a kill), and DESeq2 against pydeseq2.

Files are synthetic: a few different ones of 60,660 genes, linked under as many names as profiles are wanted, so that
every name is read whole and no disk is filled. Sizes are those of MOLPATH_BENCH_PROFILES (default 500,1000,2000); the
whole of TCGA is 10535. Size factors and VST are of generated counts, 5,000 x 20,000 (MOLPATH_BENCH_COUNTS).
"""

import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pandas as pd

GENES, DIFFERENT = 60660, 12
SIZES = [int(n) for n in os.environ.get("MOLPATH_BENCH_PROFILES", "500,1000,2000").split(",")]
COUNTS = [int(n) for n in os.environ.get("MOLPATH_BENCH_COUNTS", "5000,20000").split(",")]
HEADER = "gene_id gene_name gene_type unstranded stranded_first stranded_second tpm_unstranded fpkm_unstranded"
BLANK = {"modality": "rna", "cohort": "T", "format": "gdc_star", "column": "", "unit": "", "sample_id": "", "panel": ""}


def make_star_files(folder: Path) -> None:
    """Different STAR - Counts files, of the size GDC's have (4 MB)."""
    base = np.random.default_rng(0).gamma(0.3, 300, GENES)
    length = np.maximum(base * 1000 % 5000, 200)
    for number in range(DIFFERENT):
        rng = np.random.default_rng(number + 1)
        counts = rng.poisson(base * rng.gamma(5, 0.2, GENES))
        forward = rng.binomial(counts, 0.5)
        tpm = counts / length / (counts / length).sum() * 1e6
        table = pd.DataFrame(
            {"i": [f"ENSG{i:011d}.{i % 9}" for i in range(GENES)], "n": [f"G{i}" for i in range(GENES)], "t": "lncRNA"}
        ).assign(a=counts, b=forward, c=counts - forward, d=tpm.round(4), e=(tpm / 2).round(4), f=(tpm / 3).round(4))
        head = "# gene-model: GENCODE v36\n" + HEADER.replace(" ", "\t") + "\tfpkm_uq_unstranded\n"
        head += "".join(
            f"N_{word}\t\t\t5\t6\t7\t\t\t\n" for word in ("unmapped", "multimapping", "noFeature", "ambiguous")
        )
        (folder / f"{number}.tsv").write_text(head + table.to_csv(sep="\t", index=False, header=False))


def rows_of(folder: Path, size: int) -> list[dict]:
    """Rows of a profile sheet, every one a file name of its own."""
    links = folder / f"links{size}"
    links.mkdir(exist_ok=True)
    rows = []
    for index in range(size):
        link = links / f"{index}.tsv"
        if not link.exists():
            os.link(folder / f"{index % DIFFERENT}.tsv", link)
        rows.append(BLANK | {"profile_id": f"P{index}", "case_id": f"C{index}", "path": str(link)})
    return rows


def read_cohort(folder: Path, size: int) -> None:
    """What the rule's script does, in a process of its own."""
    from molpath.omics.expression import normalise_rna

    table = Path(__file__).resolve().parents[2] / "resources/genes/hgnc.tsv"
    out = folder / f"out{size}"
    normalise_rna(
        rows=rows_of(folder, size),
        output=str(out / "rna.h5ad"),
        losses=str(out / "genes.tsv"),
        fit=str(out / "fit.h5"),
        genes=str(table),
    )


def start(folder: Path, size: int) -> subprocess.Popen:
    """Start reading a cohort."""
    return subprocess.Popen([sys.executable, __file__, "read", str(folder), str(size)])


def measure(folder: Path, size: int) -> tuple[float, float, float]:
    """Wall seconds, CPU seconds and peak memory (GB) of a process that reads a cohort."""
    began = time.perf_counter()
    process = start(folder, size)
    _, status, usage = os.wait4(process.pid, 0)
    if status:
        sys.exit(f"reading {size} profiles failed")
    return time.perf_counter() - began, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1e6


def bench_reading(folder: Path) -> None:
    """One row per size; then the smallest with several blocks, killed half-way and started again."""
    print("what\tprofiles\tgenes\twall_s\tcpu_s\tms_a_profile\tpeak_GB", flush=True)
    walls = {}
    for size in SIZES:
        rows_of(folder, size)
        wall, cpu, peak = measure(folder, size)
        walls[size] = wall
        print(f"star_to_h5ad\t{size}\t{GENES}\t{wall:.1f}\t{cpu:.1f}\t{wall / size * 1e3:.1f}\t{peak:.2f}", flush=True)
        for path in (folder / f"out{size}").iterdir():
            path.unlink()
    size = next((n for n in SIZES if n >= 1000), SIZES[-1])
    process = start(folder, size)
    blocks = folder / f"out{size}" / ".reading"
    while len(list(blocks.glob("0*.h5"))) < max(1, size // 384):
        time.sleep(0.2)
    process.send_signal(signal.SIGKILL)
    process.wait()
    kept = len(list(blocks.glob("0*.h5")))
    wall, cpu, peak = measure(folder, size)
    print(f"after_a_kill_at_{kept}_blocks\t{size}\t{GENES}\t{wall:.1f}\t{cpu:.1f}\t{wall / size * 1e3:.1f}\t{peak:.2f}")


def bench_deseq() -> None:
    """Our size factors and VST compared with pydeseq2 called directly, on the same generated counts."""
    from molpath.omics.deseq import fit_size_factors, fit_vst, size_factors, stabilise
    from pydeseq2.dds import DeseqDataSet
    from pydeseq2.preprocessing import deseq2_norm_fit, deseq2_norm_transform

    profiles, genes = COUNTS
    rng = np.random.default_rng(0)
    mean = np.exp(rng.normal(4, 2, genes))
    counts = np.empty((profiles, genes), np.int32)
    for index in range(profiles):
        level = mean * rng.uniform(0.5, 2)
        size = 1 / (0.1 + 2 / level)
        counts[index] = rng.negative_binomial(size, size / (size + level))
    names = [f"g{i}" for i in range(genes)]
    print("what\tprofiles\tgenes\twall_s\tof_pydeseq2\tlargest_difference", flush=True)

    def row(step, seconds, peer_seconds, difference):
        print(f"{step}\t{profiles}\t{genes}\t{seconds:.1f}\t{seconds / peer_seconds:.2f}\t{difference:.2g}", flush=True)

    began = time.perf_counter()
    expected = deseq2_norm_transform(counts, *deseq2_norm_fit(counts))[1]
    pydeseq2_seconds = time.perf_counter() - began
    row("size_factors_pydeseq2", pydeseq2_seconds, pydeseq2_seconds, 0)
    began = time.perf_counter()
    fit = fit_size_factors(counts, names)
    factors = size_factors(counts, fit)
    row("size_factors", time.perf_counter() - began, pydeseq2_seconds, np.abs(factors / expected - 1).max())
    began = time.perf_counter()
    stabilised = stabilise(counts, factors, fit_vst(counts, fit))
    seconds = time.perf_counter() - began
    index = [f"p{i}" for i in range(profiles)]
    began = time.perf_counter()
    theirs_set = DeseqDataSet(
        counts=pd.DataFrame(counts, index, names),
        metadata=pd.DataFrame({"all": "1"}, index),
        design="~1",
        quiet=True,
        n_cpus=1,
    )
    theirs_set.vst()
    pydeseq2_seconds = time.perf_counter() - began
    row("vst_pydeseq2_all_genes", pydeseq2_seconds, pydeseq2_seconds, 0)
    row(
        "vst_trend_of_1000_genes", seconds, pydeseq2_seconds, np.abs(stabilised - theirs_set.layers["vst_counts"]).max()
    )


def main() -> None:
    """All rows, or one cohort in a process of its own."""
    if sys.argv[1:2] == ["read"]:
        return read_cohort(Path(sys.argv[2]), int(sys.argv[3]))
    with tempfile.TemporaryDirectory(prefix="molpath-omics-", dir=os.environ.get("MOLPATH_BENCH_FOLDER")) as name:
        make_star_files(Path(name))
        bench_reading(Path(name))
    bench_deseq()
    print(f"# peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB")


if __name__ == "__main__":
    main()
