"""Files of buckets: addresses, signatures worked out again, and refusals that say what to do."""

import hashlib
import hmac
import re
from pathlib import Path

import pytest
from data_services import serving
from molpath.acquire import s3, web
from molpath.acquire.download import download_files
from molpath.acquire.web import AccessDenied
from molpath.common.files import read_tsv

CONTENTS = bytes(range(256)) * 4000
SECRET = "secretsecretsecret0123456789"
KEY = "cohort one/slide+1 ü.svs"
SENT = "/bucket/cohort%20one/slide%2B1%20%C3%BC.svs"


@pytest.fixture
def bucket(monkeypatch):
    with serving() as service:
        service.files[SENT] = CONTENTS
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"{service.address}/")
        yield service


def download(folder: Path, url=f"s3://bucket/{KEY}"):
    file = {"id": "a", "path": str(folder / "a.svs"), "url": url}
    file |= {"md5": hashlib.md5(CONTENTS).hexdigest(), "bytes": str(len(CONTENTS))}
    service = web.Service(attempts=2, wait_s=0.01, timeout_s=5)
    download_files(files=[file], manifest=str(folder / "manifest.tsv"), service=service)
    return read_tsv(folder / "manifest.tsv").iloc[0]


def signature_of(headers: dict[str, str], path: str) -> tuple[str, str]:
    """The signature that was sent, and the one that the secret gives (AWS Signature Version 4)."""

    def mac(key: bytes, text: str) -> bytes:
        return hmac.new(key, text.encode(), hashlib.sha256).digest()

    pattern = r"AWS4-HMAC-SHA256 Credential=([^/]+)/(\d{8}/([\w-]+)/s3/aws4_request), ?"
    pattern += r"SignedHeaders=([\w;-]+), ?Signature=(\w+)"
    _, scope, region, names, sent = re.fullmatch(pattern, headers["Authorization"]).groups()
    lower = {name.lower(): value.strip() for name, value in headers.items()}
    lines = ["GET", path, "", *(f"{name}:{lower[name]}" for name in names.split(";")), "", names]
    canonical = "\n".join([*lines, lower["x-amz-content-sha256"]])
    text = ["AWS4-HMAC-SHA256", lower["x-amz-date"], scope, hashlib.sha256(canonical.encode()).hexdigest()]
    key = f"AWS4{SECRET}".encode()
    for part in (scope[:8], region, "s3", "aws4_request"):
        key = mac(key, part)
    assert "host" in names.split(";")
    return sent, mac(key, "\n".join(text)).hex()


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({}, "https://open.s3.amazonaws.com/a/b%20c.svs"),
        ({"AWS_REGION": "eu-central-1"}, "https://open.s3.eu-central-1.amazonaws.com/a/b%20c.svs"),
        ({"AWS_ENDPOINT_URL": "http://minio:9000/"}, "http://minio:9000/open/a/b%20c.svs"),
    ],
)
def test_addresses(settings, expected, monkeypatch):
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert s3.address("s3://open/a/b c.svs") == expected


def test_a_bucket_with_dots_is_in_the_path():
    assert s3.address("s3://data.lab.org/x.svs") == "https://s3.amazonaws.com/data.lab.org/x.svs"


def test_a_public_bucket_needs_no_keys_and_a_cut_download_is_resumed(bucket, tmp_path):
    bucket.faults[SENT] = [("cut", 1 << 18)]
    assert download(tmp_path).status == "ok"
    assert (tmp_path / "a.svs").read_bytes() == CONTENTS
    assert [headers.get("Range", "") for _, _, headers in bucket.requests] == ["", "bytes=262144-"]
    assert not any("Authorization" in headers for _, _, headers in bucket.requests)


@pytest.mark.parametrize("session", ["", "token-of-a-session"])
def test_requests_are_signed_with_the_keys_of_the_environment(session, bucket, tmp_path, monkeypatch, caplog):
    caplog.set_level(0)
    for name, value in {s3.KEY: "AKIDEXAMPLE", s3.SECRET: SECRET, "AWS_REGION": "eu-west-3"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv(s3.SESSION, session)
    bucket.faults[SENT] = [("cut", 1 << 18)]
    assert download(tmp_path).status == "ok"
    assert len(bucket.requests) == 2
    for _, path, headers in bucket.requests:
        sent, expected = signature_of(headers, path)
        assert sent == expected
        assert headers.get("x-amz-security-token", "") == session
        assert sent not in caplog.text
    assert SECRET not in caplog.text
    assert "AKIDEXAMPLE" not in caplog.text


def test_what_the_bucket_does_not_have_is_set_aside(bucket, tmp_path):
    row = download(tmp_path, "s3://bucket/none.svs")
    assert (row.status, row.reason, row.detail) == ("set_aside", "not_found", "s3://bucket/none.svs: HTTP 404")


@pytest.mark.parametrize(
    ("answer", "keys", "message"),
    [
        (403, False, r"s3://bucket/.*: HTTP 403, no keys \(AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY\)"),
        (403, True, r"the keys were not accepted, or may not read it; a name that does not exist"),
        ((301, {"x-amz-bucket-region": "eu-west-1"}), False, r"in another region: export AWS_REGION=eu-west-1"),
        ((400, {"x-amz-bucket-region": "us-east-1"}), True, r"AWS_SESSION_TOKEN as well, where they are temporary"),
    ],
)
def test_a_refusal_says_what_to_do_and_no_secret(answer, keys, message, bucket, tmp_path, monkeypatch):
    if keys:
        monkeypatch.setenv(s3.KEY, "AKIDEXAMPLE")
        monkeypatch.setenv(s3.SECRET, SECRET)
    bucket.faults[SENT] = [answer]
    with pytest.raises(AccessDenied, match=message) as caught:
        download(tmp_path)
    assert SECRET not in str(caught.value)
    assert not (tmp_path / "manifest.tsv").exists()
