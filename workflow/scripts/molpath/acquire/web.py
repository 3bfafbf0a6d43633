"""Talking to data services: retries, a token that stays where it belongs, and errors that say what to do."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit

import requests
from requests.adapters import HTTPAdapter
from requests.exceptions import InvalidSchema, InvalidURL, MissingSchema
from urllib3.exceptions import HTTPError
from urllib3.util import Retry

from . import s3

# Its warnings quote whole addresses, and those that services redirect to hold signatures.
logging.getLogger("urllib3").setLevel(logging.ERROR)

#: Environment variable with the path of the token that the GDC portal gives for controlled-access files.
TOKEN_FILE = "GDC_TOKEN_FILE"
_TOKEN_HEADER, _AMZ = "X-Auth-Token", "x-amz-"
_PASSING = (408, 429, 500, 502, 503, 504)


class AccessDenied(Exception):
    """The service refuses (401, 403): it requires a login, or the token is not (or no longer) valid."""


class Unreachable(Exception):
    """The service gave no usable answer after all attempts; it may later."""


class NotFound(Exception):
    """The service has no such file."""


class BadRequest(Exception):
    """The service rejects the request itself (400 and the like); repeating it gives the same answer."""


class Service(requests.Session):
    """HTTP with retries: of connections and of 429 and 5xx, waiting as long as Retry-After says, else ever longer.

    attempts: of one request; wait_s: seconds before the second retry, doubled each time; timeout_s: seconds without a
    byte after which a connection counts as lost. token: sent to addresses of `token_host` only (a scheme, host and
    port), never to where these redirect to.
    """

    def __init__(self, attempts: int = 6, wait_s: float = 1.0, timeout_s: float = 60.0, token_host: str = ""):
        super().__init__()
        self.timeout_s, self.attempts = timeout_s, attempts
        self._token_host, self._token = origin(token_host), token_of_environment()
        retries = Retry(
            total=attempts - 1,
            backoff_factor=wait_s,
            status_forcelist=_PASSING,
            allowed_methods=None,  # POST too: queries change nothing
            raise_on_status=False,
        )
        for scheme in ("http://", "https://"):
            self.mount(scheme, HTTPAdapter(max_retries=retries, pool_maxsize=32))

    def ask(self, method: str, url: str, headers: Mapping[str, str] | None = None, **options) -> requests.Response:
        """The answer to one request, by http, https or s3. Raises AccessDenied (401, 403), NotFound (404, 410),
        BadRequest (other 4xx) or Unreachable.
        """
        headers, bucket = dict(headers or {}), url.startswith(s3.SCHEME)
        if self._token and self.is_home(url):
            headers[_TOKEN_HEADER] = self._token
        try:
            if bucket:
                options |= {"auth": s3.login()}
            address = s3.address(url) if bucket else url
            response = self.request(method, address, headers=headers, timeout=self.timeout_s, **options)
        except (InvalidURL, InvalidSchema, MissingSchema) as error:
            raise BadRequest(f"{shown(url)}: not an address that can be asked ({type(error).__name__})") from None
        except requests.RequestException as error:  # its text may quote where a redirect led, with a signature
            raise Unreachable(f"{shown(url)}: no answer ({type(error).__name__})") from None
        status = response.status_code
        if status < 300 or status == 416:
            return response
        service_message = without_secrets(words_of(response), self._token, url, response.url)
        response.close()
        if bucket and status in (301, 307, 400, 401, 403):
            raise AccessDenied(
                s3.denied(url, status, response.headers.get("x-amz-bucket-region", "")) + service_message
            )
        if status in (401, 403):
            raise AccessDenied(self._denied(url, status) + service_message)
        if status in (404, 410):
            raise NotFound(f"{shown(url)}: HTTP {status}")
        if 400 <= status < 500 and status not in _PASSING:
            raise BadRequest(f"{shown(url)}: HTTP {status}{service_message}")
        # A redirect that was not followed names no usable address.
        attempts = f" after {self.attempts} attempts" if status in _PASSING else ""
        raise Unreachable(f"{shown(url)}: HTTP {status}{attempts}{service_message}")

    def is_home(self, url: str) -> bool:
        """True for addresses of the service that the token is for: the GDC."""
        return origin(url) == self._token_host

    def _denied(self, url: str, status: int) -> str:
        """What to do about HTTP 401 or 403."""
        if self.is_home(url):
            return denied(url, status, bool(self._token))
        return (
            f"{shown(url)}: HTTP {status}. The service refuses it: ask its provider for access, correct column url, or "
            "leave the file out (keep = no in the slide sheet)."
        )

    def rebuild_auth(self, prepared_request, response):
        """Called by requests at each redirect; requests itself handles Authorization only."""
        if origin(prepared_request.url) != origin(response.request.url):
            for name in [_TOKEN_HEADER, *(name for name in prepared_request.headers if name.lower().startswith(_AMZ))]:
                prepared_request.headers.pop(name, None)
        super().rebuild_auth(prepared_request, response)


def parts_of(url: str) -> SplitResult:
    """The parts of an address; empty ones for an invalid address ("http://[::1/x"), which is refused when requested."""
    try:
        return urlsplit(url)
    except ValueError:
        return SplitResult("", "", "", "", "")


def origin(url: str) -> str:
    """Scheme, host and port of an address, without a login."""
    address = parts_of(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}".lower()


def shown(url: str) -> str:
    """An address fit for a log: without query (signatures) and without a login."""
    address = parts_of(url)
    return f"{address.scheme}://{address.netloc.rpartition('@')[2]}{address.path}"


def words_of(response: requests.Response) -> str:
    """The service's own error message, on one line after " It says: "; '' if there is none.

    Read from the first bytes: a message in JSON or XML (S3), else plain text; HTML pages are not quoted.
    """
    try:
        text = (response.raw.read(4096, decode_content=True) or response.content[:4096]).decode("utf-8", "replace")
    except (requests.RequestException, HTTPError, RuntimeError):
        return ""
    if "html" in response.headers.get("Content-Type", "").lower():
        return ""
    match = re.search(r'"(?:message|error|detail)"\s*:\s*"([^"]+)"|<Message>([^<]+)</Message>', text)
    message = " ".join((next(filter(None, match.groups())) if match else text).split())[:200]
    return f" It says: {message}" if message and (match or message[0] not in "<{[") else ""


def without_secrets(text: str, token: str, *urls: str) -> str:
    """A service's message, which may repeat the request, without the token and without logins and queries of `urls`."""
    secrets = {token}
    for address in map(parts_of, urls):
        values = {value for _, value in parse_qsl(address.query) if len(value) > 7}
        secrets |= {address.query, address.password or ""} | values
    for secret in sorted(secrets - {""}, key=len, reverse=True):
        text = text.replace(secret, "…")
    return text


def token_of_environment() -> str:
    """The token in the file that GDC_TOKEN_FILE names, '' without one. AccessDenied if the file can't be read."""
    path = os.environ.get(TOKEN_FILE, "")
    if not path:
        return ""
    try:
        return Path(path).read_text(encoding="ascii").strip()
    except (OSError, UnicodeError) as error:
        raise AccessDenied(f"{TOKEN_FILE} names {path}, which can't be read ({type(error).__name__})") from None


def denied(url: str, status: int, with_token: bool) -> str:
    """What to do about HTTP 401 or 403."""
    cause = (
        "the token was not accepted: it has expired (after 30 days) or lacks this access" if with_token else "no token"
    )
    return (
        f"{shown(url)}: HTTP {status}, {cause}.\n"
        "Log in at https://portal.gdc.cancer.gov, download a new token, keep it readable by you only (chmod 600), set\n"
        f"    export {TOKEN_FILE}=/path/to/gdc-user-token.txt\n"
        "and start again: what is downloaded stays. Or leave the file out (keep = no in the slide sheet)."
    )
