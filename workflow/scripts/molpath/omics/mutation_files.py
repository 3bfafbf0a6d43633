"""Mutations from VCF annotated by VEP, and the owners of a file's samples."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from .barcodes import Barcode, parse_barcode
from .sample_types import kind_of_sample
from .tables import BadProfile, open_text

#: What programs and people append to a case for its normal tissue or blood.
NORMAL = re.compile(r"[._-](N|NAT|NB|NT|normal|germline|blood)([._-]?\d+)?", re.I)


def read_vcf(path: str, column: str = "", row: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Columns gene, kind (Sequence Ontology terms, joined by &), sample, filter (joined by ;), status ('') of a VCF
    annotated by VEP (INFO CSQ).

    column: the sample; '' for a file of one, which must not be the barcode of another case than the row's, or of normal
    tissue for tumour. Variants the sample doesn't carry are left out. Of several transcripts of
    a gene the one VEP picked (PICK), else all of them count.
    """
    import vcfpy

    try:
        with vcfpy.Reader.from_stream(open_text(path), path=path) as reader:
            fields = _csq_fields(path, reader.header)
            name = _vcf_sample(path, reader.header.samples.names, column)
            _check_owner(path, name, row)
            calls = [
                (gene, kind, name, ";".join(record.FILTER or []), "")
                for record in reader
                for gene, kind in _effects(path, record, fields, _carried(record, name))
            ]
    except (vcfpy.exceptions.VCFPyException, UnicodeError) as error:
        raise BadProfile(f"{path}: a VCF that can't be read ({error})") from None
    names = ["gene", "kind", "sample", "filter", "status"]
    return pd.DataFrame(calls, columns=names, dtype=object).drop_duplicates(ignore_index=True)


def _csq_fields(path: str, header) -> list[str]:
    """Names of the parts of CSQ, as the header's description lists them."""
    if "CSQ" not in header.info_ids():
        raise BadProfile(f"{path}: no INFO/CSQ; annotate it with VEP (--vcf --symbol, best with --flag_pick)")
    fields = header.get_info_field_info("CSQ").description.split("Format:")[-1].strip(' "').split("|")
    missing = [name for name in ("Consequence", "SYMBOL") if name not in fields]
    if missing:
        raise BadProfile(f"{path}: CSQ lacks {', '.join(missing)}; run VEP with --symbol")
    return fields


def _vcf_sample(path: str, names: Sequence[str], column: str) -> str:
    if column and column not in names:
        raise BadProfile(f"{path}: no sample {column}; the file has {', '.join(names[:5])}. Correct column `column`.")
    if not column and len(names) > 1:
        raise BadProfile(f"{path}: {len(names)} samples ({', '.join(names[:5])}); name the tumour in column `column`")
    return column or (names[0] if names else "")


def _check_owner(path: str, name: str, row: Mapping[str, str] | None) -> None:
    """Raise BadProfile if the one sample of a file is by its barcode none of the row's."""
    if row is None or row["column"] or not (parse_barcode(name) and parse_barcode(row["case_id"])):
        return
    if not belongs(name, row):
        raise BadProfile(
            f"{path}: its sample {name} is none of profile {row['profile_id']} (case {row['case_id']}, "
            f"{row.get('sample_type') or 'tumour'}); correct the row, or name the sample in column `column`"
        )


def _carried(record, name: str) -> set[int]:
    """Numbers (1, 2, …) of the alternative alleles that the sample carries; all where there is no genotype."""
    call = record.call_for_sample.get(name) if name else None
    if call is None or "GT" not in call.data:
        return set(range(1, len(record.ALT) + 1))
    return {allele for allele in call.gt_alleles or [] if allele}


def _effects(path: str, record, fields: Sequence[str], carried: set[int]) -> Iterable[tuple[str, str]]:
    """(gene, terms) of the carried alleles; of a gene's transcripts the picked one, where VEP picked."""
    alleles = _vep_alleles(record)
    entries = [dict(zip(fields, text.split("|"), strict=False)) for text in record.INFO.get("CSQ", [])]
    carried_entries = [
        entry for entry in entries if entry.get("SYMBOL") and _is_carried(path, record, entry, alleles, carried)
    ]
    picked = {entry["SYMBOL"] for entry in carried_entries if entry.get("PICK") == "1"}
    for entry in carried_entries:
        if entry.get("PICK") == "1" or entry["SYMBOL"] not in picked:
            yield entry["SYMBOL"], entry["Consequence"]


def _is_carried(path: str, record, entry: Mapping[str, str], alleles: Mapping[str, int], carried: set[int]) -> bool:
    """True if the sample carries the allele of an entry of CSQ. Raises BadProfile where that is unclear."""
    if entry.get("ALLELE_NUM"):
        return int(entry["ALLELE_NUM"]) in carried
    number = alleles.get(entry.get("Allele", ""))
    if number is not None:
        return number in carried
    if 0 < len(carried) < len(record.ALT):
        raise BadProfile(
            f"{path}, {record.CHROM}:{record.POS}: VEP's allele {entry.get('Allele', '')!r} is none of "
            f"{', '.join(alleles)}, and the sample carries only some of them; run VEP with --allele_number"
        )
    return bool(carried)


def _vep_alleles(record) -> dict[str, int]:
    """Number of each allele as VEP spells it: without the first base shared with the reference, '-' if none is left."""
    values = [getattr(alternative, "value", "") or alternative.serialize() for alternative in record.ALT]
    cut = [value for value in values if value != "*"]  # the allele that a deletion further up took away
    shared = all(value[:1] == record.REF[:1] for value in cut) and any(len(value) != len(record.REF) for value in cut)
    return {(value[1:] or "-") if shared and value != "*" else value: number for number, value in enumerate(values, 1)}


def belongs(name: str, row: Mapping[str, str]) -> bool:
    """True if a sample's name in a file is that of a row: its `column`, else any name that begins with its case.

    A barcode may be shorter in the sheet than in the file (TCGA-02-0001-01 and TCGA-02-0001-01C-01D-0182-01). Without a
    column, tumour and normal are kept apart, and so are the samples of a case where the row's sample_id names one.
    """
    row_name = row["column"] or row["case_id"]
    if name == row_name:
        return True
    row_code, file_code = parse_barcode(row_name), parse_barcode(name)
    if row_code and file_code:
        sample = not row_code.sample or row_code.sample == file_code.sample
        vial = not row_code.vial or row_code.vial == file_code.vial
        portion = not row_code.portion or (row_code.portion, row_code.plate) == (file_code.portion, file_code.plate)
        return (
            row_code.case == file_code.case and sample and vial and portion and is_of_the_row(file_code, row_code, row)
        )
    is_normal = row.get("sample_type", "") == "normal" and not row["column"]  # names other than barcodes don't say so
    remainder = name[len(row_name) :] if name.startswith(row_name) else ""
    return bool(remainder) and not remainder[0].isalnum() and not is_normal and not NORMAL.fullmatch(remainder)


def is_of_the_row(file_code: Barcode, row_code: Barcode, row: Mapping[str, str]) -> bool:
    """True unless a barcode in a file is of another kind (normal instead of tumour) or sample than the row's."""
    code = parse_barcode(row.get("sample_id", ""))
    kind = kind_of_sample(row.get("sample_id", ""), row.get("sample_type", "")) or row_code.kind or "tumour"
    sample = (
        not (code and code.case == file_code.case and code.sample and file_code.sample)
        or code.sample == file_code.sample
    )
    return sample and (kind == file_code.kind or (kind == "tumour" and not file_code.kind))
