"""What the doctor says of weights, tokens and slides; the network is not to be asked."""

import re
import socket
from pathlib import Path

import pytest
from molpath.preflight import inputs
from molpath.preflight.examination import examine
from slide_files import picture, write_jpeg_pyramid

SECRET = "hf_secretsecretsecret"


@pytest.fixture(autouse=True)
def no_hub(tmp_path, monkeypatch):
    """No login, no cache, and no network: a name that is looked up is an error of the test."""
    import huggingface_hub.constants as constants

    for name in ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HF_HUB_OFFLINE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "hub/token"))
    monkeypatch.setattr(inputs, "hub_cache", lambda: str(tmp_path / "hub/cache"))

    def refuse(*arguments, **options):
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def encoder(adapter: str, **changes) -> dict:
    entry = {"config": {"adapter": adapter}, "files": [], "edge": 128}
    entry |= {"name": "e", "adapter": adapter, "weights": "", "folder": "", "fetched": "r/e", "revision": ""}
    return entry | changes


def check_one(adapter: str, ask_hub: bool = False, **changes):
    (finding,) = inputs.check_weights([encoder(adapter, **changes)], ask_hub)
    return finding


def test_weights_of_a_file(tmp_path):
    path = tmp_path / "w.bin"
    finding = check_one("uni_v1", weights=str(path))
    assert (finding.verdict, str(path) in finding.found) == ("problem", True)
    path.touch()
    assert (check_one("uni_v1", weights=str(path)).verdict, check_one("uni_v1", fetched=str(path)).verdict) == (
        "problem",
    ) * 2
    path.write_bytes(b"x" * 2_000_000)
    finding = check_one("uni_v1", weights=str(path))
    assert (finding.verdict, "2 MB" in finding.found) == ("ok", True)


def test_a_gated_encoder_without_a_token():
    finding = check_one("uni_v1")
    assert finding.verdict == "problem"
    assert "MahmoodLab/UNI gives access on request, and no token is set" in finding.found
    assert "hf auth login" in finding.remedy
    assert "https://huggingface.co/MahmoodLab/UNI" in finding.remedy
    assert inputs.check_tokens().found.endswith(": no")


def test_a_token_is_mentioned_and_never_shown(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", SECRET)
    findings = [check_one("uni_v1"), inputs.check_tokens()]
    assert [item.verdict for item in findings] == ["note", "ok"]
    assert "yes, by HF_TOKEN" in findings[1].found
    assert SECRET not in repr(findings)


def test_weights_in_the_cache_of_the_hub(tmp_path):
    revision = inputs.ADAPTERS["uni_v1"].revision
    folder = tmp_path / "hub/cache/models--MahmoodLab--UNI/snapshots" / revision
    folder.mkdir(parents=True)
    (folder / "pytorch_model.bin").write_bytes(b"x")
    assert check_one("uni_v1").verdict == "ok"


def test_offline_and_not_in_the_cache(monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("HF_TOKEN", SECRET)
    finding = check_one("uni_v1")
    assert (finding.verdict, "HF_HUB_OFFLINE is set" in finding.found) == ("problem", True)


def test_the_hub_is_asked_on_request_only(monkeypatch):
    from huggingface_hub import HfApi, errors

    monkeypatch.setenv("HF_TOKEN", SECRET)
    requests = []
    monkeypatch.setattr(HfApi, "auth_check", lambda self, repo, **options: requests.append(repo))
    check_one("uni_v1")
    assert requests == []
    assert check_one("uni_v1", ask_hub=True).verdict == "ok"
    assert requests == ["MahmoodLab/UNI"]

    def fail(self, repo, **options):
        raise ConnectionError(f"sent Bearer {SECRET}")

    monkeypatch.setattr(HfApi, "auth_check", fail)
    finding = check_one("uni_v1", ask_hub=True)
    assert (finding.verdict, SECRET in repr(finding)) == ("problem", False)
    assert issubclass(errors.GatedRepoError, errors.RepositoryNotFoundError)


def test_weights_by_pip_and_none_at_all(tmp_path, monkeypatch):
    finding = check_one("efficientnet_lite0", fetched="resources/encoders/e.safetensors")
    assert (finding.verdict, "snakemake resources/encoders/e.safetensors" in finding.remedy) == ("note", True)
    monkeypatch.setattr(inputs.importlib.util, "find_spec", lambda name: None)
    assert check_one("efficientnet_lite0").verdict == "problem"
    assert (check_one("mean_colour").verdict, check_one("mine:make").verdict) == ("ok", "ok")
    assert check_one("precomputed", folder=str(tmp_path)).verdict == "problem"
    (tmp_path / "a.h5").touch()
    assert check_one("precomputed", folder=str(tmp_path)).verdict == "ok"


@pytest.fixture(scope="module")
def slides(tmp_path_factory):
    """Three small SVS files of 0.25 micrometres a pixel."""
    folder = tmp_path_factory.mktemp("slides")
    for i in range(3):
        write_jpeg_pyramid(folder / f"S{i}.svs", picture(1024, 1280, i), aperio=True)
    return [{"slide_id": f"S{i}", "path": str(folder / f"S{i}.svs"), "mpp": "", "made": False} for i in range(3)]


def read(slides, count=3, **changes):
    return inputs.check_reading(
        slides, **{"count": count, "patches": 0, "geometry": (128, 0.5), "deadline_s": 60} | changes
    )


def test_slides_are_read_and_timed(slides):
    finding = read(slides, patches=3.6e8)
    assert finding.verdict == "ok"
    assert "3 of 3 opened and read in" in finding.found
    pattern = r" (\d+) patches of 128 px/s .* run's 360,000,000 patches takes about ([\d.]+) (h|days), by this rate"
    rate, time, unit = re.search(pattern, finding.found).groups()
    hours = float(time) * {"h": 1, "days": 24}[unit]
    assert hours == pytest.approx(3.6e8 / float(rate) / 3600, rel=0.06), "both round"
    raw, raw_s, patches, patches_s = inputs.read_some((slides[0]["path"], "", 128, 0.5))
    assert raw == Path(slides[0]["path"]).stat().st_size
    assert patches == 16, "1,280 x 1,024 pixels of 0.25 hold 5 x 4 patches of 256; the square in their middle is 4 x 4"
    assert raw_s > 0
    assert patches_s > 0


def test_a_slide_that_is_missing_is_named(slides):
    gone = {"slide_id": "gone", "path": "/nowhere/gone.svs", "mpp": "", "made": False}
    finding = inputs.check_slides_there([*slides, gone, gone | {"slide_id": "later", "made": True}])
    assert finding.verdict == "problem"
    assert "1 of 4 slides are missing: gone (/nowhere/gone.svs)" in finding.found
    assert inputs.check_slides_there(slides).verdict == "ok"
    assert read([*slides, gone], count=4).verdict == "ok", "it is reported once"


def test_a_slide_that_is_none(slides, tmp_path):
    (tmp_path / "bad.svs").write_text("no slide")
    bad = {"slide_id": "bad", "path": str(tmp_path / "bad.svs"), "mpp": "", "made": False}
    finding = read([*slides[:1], bad], count=2)
    assert (finding.verdict, "Not read: bad" in finding.found) == ("note", True)
    assert read([bad]).verdict == "problem"
    assert read([], count=3).verdict == "note"


def test_a_check_that_fails_in_itself_hides_no_other(slides, tmp_path, monkeypatch, repository):
    def fail(*arguments):
        raise RuntimeError("as no one foresaw")

    monkeypatch.setattr("molpath.preflight.storage.check_space", fail)
    monkeypatch.chdir(tmp_path)
    plan = {"shards": {"00000": 3}}
    tables = {name: str(repository / f"resources/costs/{name}.tsv") for name in ("costs", "encoders", "gpus")}
    request = {
        "snakemake": "9.27.1",
        "needed": "9.27",
        "plugins": {},
        "profiles": [],
        "deployment": [],
        "results": "results",
        "resources": "resources",
        "plan": plan,
        "ask_hub": False,
        "encoders": [encoder("mean_colour")],
        "slide_encoders": [],
        "weights": {},
        "slides": slides,
        "read_slides": 1,
        "deadline_s": 60,
        "patch": {"size": 128, "mpp": 0.5},
        "batch_bytes": 1e6,
        "processes": 1,
        "trains": False,
        "networks": False,
        "scratch": ["", 100.0],
    }
    by_check = {item.check: item for item in examine(request, tables)}
    assert by_check["disk"].verdict == "problem"
    assert "as no one foresaw" in by_check["disk"].found
    assert re.fullmatch(
        r"the rest of the run takes about [^,]+, by the costs of `snakemake plan` for \d+ x NVIDIA \w+ and \d+ cores?",
        by_check["time"].found,
    )
    further = {name for name in by_check if by_check[name].verdict == "problem"} - {"disk"}
    assert further == set()
    assert {"Snakemake", "conda", "results folder", "HDF5 and locks", "slides", "reading slides", "GPU"} < set(by_check)
    (tmp_path / "results").touch()
    findings = {item.check for item in examine(request, tables)}
    assert not findings & {"rename and fsync", "HDF5 and locks", "clock"}, "reported once, as the results folder"
