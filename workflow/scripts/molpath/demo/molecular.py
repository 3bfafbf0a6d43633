"""Synthetic molecular and clinical files in the formats users have: STAR counts, a MAF, copy numbers, survival."""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from ..common.files import write_text, write_tsv
from .genes import COPY_NUMBER_GENES, ENSEMBL, GENES, MITOCHONDRIAL, PASSENGERS, PROGRAMMES
from .truth import Truth, draw_truth, generator

# How far a programme moves its genes (natural log of TPM) for a rare event that is there or not, and for one
# standard deviation of a degree; noise of one gene in one case; dispersion of the counts.
EVENT_SHIFT, DEGREE_SHIFT, GENE_NOISE, DISPERSION = 0.9, 0.7, 0.35, 0.05
MAF_COLUMNS = (
    "Hugo_Symbol Entrez_Gene_Id Center NCBI_Build Chromosome Start_Position End_Position Strand Variant_Classification "
    "Variant_Type Reference_Allele Tumor_Seq_Allele1 Tumor_Seq_Allele2 Tumor_Sample_Barcode HGVSp_Short t_depth "
    "t_alt_count"
).split()
HARMFUL = ("Missense_Mutation", "Nonsense_Mutation", "Frame_Shift_Del", "Splice_Site", "In_Frame_Del")
HARMLESS = ("Silent", "Intron", "3'UTR", "5'UTR", "Missense_Mutation")


def sample_of(case_id: str) -> str:
    """Name of a case's tumour sample inside the files."""
    return f"{case_id}-01A"


def make_omics(cases: Sequence[str], folder: str | Path, seed: int) -> None:
    """Write STAR counts of each case, cohort.maf, all_thresholded.by_genes.txt, clinical.tsv, truth.tsv and the
    programmes as gene_sets.gmt."""
    folder = Path(folder)
    truths = [draw_truth(seed, case) for case in cases]
    base, lengths = gene_constants()
    for truth in truths:
        path = folder / "omics" / "star_counts" / f"{truth.case_id}.rna_seq.augmented_star_gene_counts.tsv"
        write_text(path, star_counts(truth, seed, base, lengths))
    write_text(folder / "omics" / "cohort.maf", maf(truths, seed))
    write_text(folder / "omics" / "all_thresholded.by_genes.txt", copy_numbers(truths, seed))
    write_tsv(folder / "omics" / "clinical.tsv", clinical(truths, seed))
    write_tsv(folder / "truth.tsv", pd.DataFrame([truth.row() for truth in truths]))
    write_text(folder / "gene_sets.gmt", gene_sets())


def gene_sets() -> str:
    """The programmes as a .gmt file: name, description, genes."""
    lines = ([name, "synthetic demo data", *genes.split()] for name, genes in PROGRAMMES.items())
    return "".join("\t".join(line) + "\n" for line in lines)


def gene_constants() -> tuple[np.ndarray, np.ndarray]:
    """Mean expression (log TPM) and length (bases) of each gene, the same for every seed."""
    rng = np.random.default_rng(20250128)
    base = rng.normal(3.5, 1.1, len(GENES))
    base[[gene in MITOCHONDRIAL for gene in GENES]] += 2.0
    return base, np.round(np.exp(rng.normal(7.7, 0.5, len(GENES))))


def star_counts(truth: Truth, seed: int, base: np.ndarray, lengths: np.ndarray) -> str:
    """A GDC "STAR - Counts" file of one case."""
    rng = generator(seed, truth.case_id, "expression")
    moves = {"glandular": 1 - 2 * truth.subtype, "solid": 2 * truth.subtype - 1}
    moves |= {name: 2 * value - 1 for name, value in truth.focal.items()}
    log_tpm = base + rng.normal(0, GENE_NOISE, len(GENES))
    for name, genes in PROGRAMMES.items():
        degree = {"immune": truth.immune, "grade": truth.grade}.get(name)
        if degree is None and name not in moves:
            degree = rng.normal()
        shift = DEGREE_SHIFT * degree if degree is not None else EVENT_SHIFT * moves[name]
        for gene in genes.split():
            log_tpm[GENES.index(gene)] += shift * (0.7 + 0.6 * weight_of(gene))
    share = np.exp(log_tpm) * lengths
    mean = share / share.sum() * rng.uniform(4e6, 9e6)
    counts = rng.negative_binomial(1 / DISPERSION, 1 / (1 + DISPERSION * mean))
    forward = rng.binomial(counts, 0.5)
    rate = counts / lengths
    tpm, fpkm = rate / rate.sum() * 1e6, rate / counts.sum() * 1e9
    upper = np.quantile(counts, 0.75) * len(GENES)
    lines = ["# gene-model: synthetic demo data, GENCODE v36 layout"]
    lines.append(
        "gene_id\tgene_name\tgene_type\tunstranded\tstranded_first\tstranded_second\t"
        "tpm_unstranded\tfpkm_unstranded\tfpkm_uq_unstranded"
    )
    for name in ("N_unmapped", "N_multimapping", "N_noFeature", "N_ambiguous"):
        lines.append(f"{name}\t\t\t" + "\t".join(str(rng.integers(10**4, 10**5)) for _ in range(3)) + "\t\t\t")
    for index, gene in enumerate(GENES):
        values = (counts[index], forward[index], counts[index] - forward[index])
        floats = (tpm[index], fpkm[index], rate[index] / upper * 1e9)
        cells = [f"{ENSEMBL[gene]}.{index % 9 + 1}", gene, "protein_coding", *values, *(f"{v:.4f}" for v in floats)]
        lines.append("\t".join(map(str, cells)))
    return "\n".join(lines) + "\n"


def weight_of(gene: str) -> float:
    """How strongly a gene follows its programme (0 to 1), fixed by its name."""
    return zlib.crc32(gene.encode()) % 1000 / 1000


def maf(truths: Sequence[Truth], seed: int) -> str:
    """One masked somatic MAF of all cases: mutations that go with a rare event, and passengers."""
    lines = ["#version gdc-1.0.0", "#annotation.spec synthetic demo data", "\t".join(MAF_COLUMNS)]
    for truth in truths:
        rng = generator(seed, truth.case_id, "mutations")
        genes = [(gene, HARMFUL) for gene, hit in truth.mutated.items() if hit]
        genes += [(str(gene), HARMLESS) for gene in rng.choice(PASSENGERS, rng.poisson(2.5))]
        for gene, kinds in genes:
            kind = str(rng.choice(kinds))
            position, depth = int(rng.integers(10**6, 10**8)), int(rng.integers(40, 200))
            deleted = kind.endswith("_Del")
            row = [gene, 0, "synthetic", "GRCh38", f"chr{zlib.crc32(gene.encode()) % 22 + 1}", position, position, "+"]
            row += [kind, "DEL" if deleted else "SNP", "C", "C", "-" if deleted else "T", sample_of(truth.case_id)]
            row += ["", depth, int(depth * rng.uniform(0.1, 0.5))]
            lines.append("\t".join(map(str, row)))
    return "\n".join(lines) + "\n"


def copy_numbers(truths: Sequence[Truth], seed: int) -> str:
    """A gene-level GISTIC2 table (-2 to 2) of all cases; ERBB2 rises with grade, the rest is noise."""
    lines = ["\t".join(["Gene Symbol", "Locus ID", "Cytoband", *(sample_of(t.case_id) for t in truths)])]
    for index, gene in enumerate(COPY_NUMBER_GENES):
        cells = []
        for truth in truths:
            rng = generator(seed, truth.case_id, f"copies of {gene}")
            level = rng.normal(0, 0.9) + (1.1 * truth.grade if gene == "ERBB2" else 0)
            cells.append(str(int(np.clip(np.round(level), -2, 2))))
        lines.append("\t".join([gene, str(1000 + index), "synthetic", *cells]))
    return "\n".join(lines) + "\n"


def clinical(truths: Sequence[Truth], seed: int) -> pd.DataFrame:
    """Survival, age and sex of each case."""
    rows = []
    for truth in truths:
        rng = generator(seed, truth.case_id, "clinic")
        rows.append(
            {
                "case_id": truth.case_id,
                "OS_days": int(truth.days),
                "OS_event": truth.event,
                "age": int(np.clip(rng.normal(63, 10), 25, 90)),
                "sex": str(rng.choice(["female", "male"])),
            }
        )
    return pd.DataFrame(rows)
