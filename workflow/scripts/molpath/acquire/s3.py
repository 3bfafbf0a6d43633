"""Files of S3 buckets over plain HTTP: the address of s3://bucket/key, and signed requests where there are keys."""

from __future__ import annotations

import os
from urllib.parse import quote

from requests_aws4auth import AWS4Auth

SCHEME = "s3://"
#: Environment variables of Amazon's own tools. An endpoint is another service with the same interface (MinIO, Ceph).
KEY, SECRET, SESSION = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
ENDPOINTS, REGIONS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"), ("AWS_REGION", "AWS_DEFAULT_REGION")
_HOME = "us-east-1"


def address(url: str) -> str:
    """The HTTP address of s3://bucket/key. At an endpoint, and for names with a dot, the bucket is in the path."""
    bucket, _, key = url.removeprefix(SCHEME).partition("/")
    path, region = quote(key, safe="/~"), of_environment(REGIONS)
    host = f"s3.{region}.amazonaws.com" if region else "s3.amazonaws.com"
    endpoint = of_environment(ENDPOINTS) or (f"https://{host}" if "." in bucket else "")
    return f"{endpoint.rstrip('/')}/{bucket}/{path}" if endpoint else f"https://{bucket}.{host}/{path}"


def login() -> AWS4Auth | None:
    """Signs requests with the keys of the environment; None without keys: public buckets need none."""
    key, secret = os.environ.get(KEY), os.environ.get(SECRET)
    if not key or not secret:
        return None
    return AWS4Auth(key, secret, of_environment(REGIONS) or _HOME, "s3", session_token=os.environ.get(SESSION) or None)


def of_environment(names: tuple[str, ...]) -> str:
    """The first of some environment variables that is set, or ''."""
    return next((os.environ[name] for name in names if os.environ.get(name)), "")


def denied(url: str, status: int, region: str) -> str:
    """What to do about an answer that is not a file. region: the bucket's, if the service gives it."""
    if region and region != (of_environment(REGIONS) or _HOME):
        return f"{url}: HTTP {status}, the bucket is in another region: export {REGIONS[0]}={region}, and start again"
    cause = "the keys were not accepted, or may not read it" if login() else f"no keys ({KEY}, {SECRET})"
    return (
        f"{url}: HTTP {status}, {cause}; a name that does not exist is answered like this too.\n"
        f"Correct the name or the keys ({SESSION} as well, where they are temporary; "
        'eval "$(aws configure export-credentials --format env)" sets all three) and start again: '
        "what is downloaded stays."
    )
