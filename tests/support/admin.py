"""The admin API as one key sees it. Plain HTTP; nothing of ours is imported.

Every answer is held against the document that the gateway publishes of its API.
"""

import itertools
import ssl
import time
from types import TracebackType
from typing import Any, Self

import httpx2
import msgspec

from tests.support.openapi import Document
from tests.support.processes import ADMIN_KEY

STOCK = "gpt-4o-mini"
BASE_MODEL = "gpt-4o-mini-2024-07-18"
MAX_CONCURRENT = 20  # calls at once, at the gateway of the tests
FINAL = ("ready", "failed", "cancelled")
NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)  # empty: loading the system's certificates takes a tenth of a second

_DOCUMENTS: list[Document] = []
_NUMBERS = itertools.count(int(time.time() * 1000))


def unique(prefix: str) -> str:
    """A name that no other test has."""
    return f"{prefix}-{next(_NUMBERS)}"


class Admin:
    """A key at a gateway's admin API. A context manager."""

    def __init__(self, url: str, key: str | None = ADMIN_KEY) -> None:
        self.url = url
        headers = {"authorization": f"Bearer {key}"} if key else {}
        self._http = httpx2.Client(base_url=f"{url}/admin/api", headers=headers, timeout=30, verify=NO_TLS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self._http.close()

    def ask(self, method: str, path: str, body: Any = None, headers: dict[str, str] | None = None) -> httpx2.Response:
        """The answer, whatever it is."""
        content = body if isinstance(body, bytes | None) else msgspec.json.encode(body)
        answer = self._http.request(method, path, content=content, headers=headers)
        self._document().check(method, path, answer)
        return answer

    def _document(self) -> Document:
        """The same for all gateways of a run, so it is asked for once."""
        if not _DOCUMENTS:
            _DOCUMENTS.append(Document(self._done(self._http.get("/openapi.json"))))
        return _DOCUMENTS[0]

    def get(self, path: str) -> Any:
        """What stands at `path`; it must be there."""
        return self._done(self.ask("GET", path))

    def put(self, path: str, body: Any) -> Any:
        """The answer to a PUT that must succeed."""
        return self._done(self.ask("PUT", path, body))

    def post(self, path: str, body: Any = None) -> Any:
        """The answer to a POST that must succeed."""
        return self._done(self.ask("POST", path, {} if body is None else body))

    def delete(self, path: str) -> None:
        """A DELETE that must succeed."""
        answer = self.ask("DELETE", path)
        assert answer.status_code == 204, answer.text

    def refused(self, method: str, path: str, body: Any = None) -> tuple[int, str, str | None]:
        """Status, code and param of an error, which must have the OpenAI API's shape and say something."""
        answer = self.ask(method, path, body)
        assert answer.status_code >= 400, answer.text
        assert answer.headers["content-type"] == "application/json"
        assert set(answer.json()) == {"error"}
        error = answer.json()["error"]
        assert set(error) == {"message", "type", "param", "code"}
        assert error["message"]
        return answer.status_code, error["code"], error["param"]

    def job(self, path: str, *wanted: str, seconds: float = 40) -> Any:
        """The job at `path` once it is in a state of `wanted` (in a final one where none is named)."""
        deadline = time.monotonic() + seconds
        while True:
            job = self.get(path)
            if job["status"] in (wanted or FINAL):
                return job
            assert time.monotonic() < deadline, job
            assert job["status"] not in FINAL, job
            time.sleep(0.02)

    def _done(self, answer: httpx2.Response) -> Any:
        assert answer.status_code in (200, 201), answer.text
        return answer.json()
