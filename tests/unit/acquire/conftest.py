"""No test uses a token or key of whoever runs it, or a proxy; servers with odd answers."""

import pytest
from data_services import serving
from molpath.acquire import s3, web
from odd_server import odd_servers


@pytest.fixture(autouse=True)
def no_credentials(monkeypatch):
    for name in (s3.KEY, s3.SECRET, s3.SESSION, *s3.ENDPOINTS, *s3.REGIONS, web.TOKEN_FILE):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def odd():
    """A function that starts servers: see odd_server."""
    with odd_servers() as start:
        yield start


@pytest.fixture
def server(monkeypatch):
    """The data services' stand-in; buckets of S3 are on it, too."""
    with serving() as service:
        monkeypatch.setenv("AWS_ENDPOINT_URL", service.address)
        yield service
