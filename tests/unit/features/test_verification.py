"""What `verify` and `orphans` find in a results folder."""

import json
import shutil

import pytest
from molpath.common.digests import sha256_of
from molpath.common.files import temporary_of
from molpath.provenance.verification import orphans, verify, verify_all


@pytest.fixture
def results(shard):
    shard.add("a", 6).add("b", 6).write()
    shard.extract()
    shutil.rmtree(shard.wsi / "20x_32px_0px_overlap" / "patches")  # only features are looked at here
    shard.tiles.unlink()
    return shard


def feature_file(shard, slide_id):
    return shard.wsi / "20x_32px_0px_overlap" / "features_mean_colour" / f"{slide_id}.h5"


def test_nothing_wrong_in_untouched_results(results):
    assert verify(results.results) == []
    assert orphans(results.results) == []


def test_missing_changed_and_cut_files_are_reported(results):
    path = feature_file(results, "a")
    whole = path.read_bytes()
    path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    assert "other contents" in verify(results.results)[0]
    path.write_bytes(whole[:-1])
    assert f"has {len(whole) - 1} bytes" in verify(results.results)[0]
    path.unlink()
    assert verify(results.results)[0].endswith("is missing")
    assert "slide a" in verify(results.results)[0]


def test_unknown_files_and_leftovers_are_listed(results):
    stranger = feature_file(results, "c")
    stranger.write_bytes(b"?")
    gone = stranger.parent / ".tmp-elsewhere@1@a.h5"
    gone.write_bytes(b"?")
    busy = temporary_of(feature_file(results, "a"))
    busy.write_bytes(b"?")
    assert orphans(results.results) == sorted([str(stranger), str(gone)])
    assert verify(results.results) == []


def test_what_manifests_of_an_earlier_config_name_is_listed(results):
    """The encoder left the config, or the slides of a shard the sheet: their manifest is there, but not asked for."""
    (features,) = results.results.glob("features/*/*/*.tsv")
    tables = [str(path) for path in results.results.glob("slides/*.tsv")]
    assert orphans(results.results, [*tables, str(features)]) == []
    expected = sorted(map(str, [features, feature_file(results, "a"), feature_file(results, "b")]))
    assert orphans(results.results, tables) == expected


def test_no_manifest_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError, match="nothing to verify"):
        verify(tmp_path)


def test_a_study_without_slides_is_compared_with_its_provenance(tmp_path):
    table = tmp_path / "tables/metrics.tsv"
    table.parent.mkdir()
    table.write_text("auc\n0.9\n")
    entry = {"bytes": table.stat().st_size, "sha256": sha256_of(table)}
    (tmp_path / "provenance.json").write_text(json.dumps({"files": {"tables/metrics.tsv": entry}}))
    assert verify_all(tmp_path) == []
    table.write_text("auc\n0.8\n")
    assert ["metrics.tsv is changed" in wrong for wrong in verify_all(tmp_path)] == [True]
    with pytest.raises(FileNotFoundError, match="nothing to verify"):
        verify_all(tmp_path / "tables")
