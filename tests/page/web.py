"""The page as a browser asks for it, without a browser: plain HTTP, a cookie, the headers that browsers send."""

import re
from collections.abc import Iterator
from types import TracebackType
from typing import Self

import httpx2

from tests.support.admin import NO_TLS

HOME = "/admin/legal/fine-tuning"
SIGN_IN = "/admin/sign-in"
_TOKEN = re.compile(r'<meta name="csrf" content="([^"]+)"')


def _addresses() -> Iterator[str]:
    for number in range(1 << 16):
        yield f"198.18.{number // 256}.{number % 256}"


addresses = _addresses()


class Web:
    """A visitor at `address`. A context manager."""

    def __init__(self, url: str, address: str) -> None:
        headers = {"x-forwarded-for": address, "sec-fetch-site": "same-origin"}
        self.http = httpx2.Client(base_url=url, headers=headers, timeout=30, verify=NO_TLS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None) -> None:
        self.http.close()

    def get(self, path: str, **headers: str) -> httpx2.Response:
        """The answer to a GET."""
        return self.http.get(path, headers=headers)

    def sign_in(self, key: str, target: str = "", **headers: str) -> httpx2.Response:
        """The answer to the form; the cookie is kept."""
        return self.http.post(SIGN_IN, data={"key": key, "next": target}, headers=headers)

    def signed_in(self, key: str) -> Self:
        """This visitor, signed in."""
        answer = self.sign_in(key)
        assert answer.status_code == 303, answer.text
        return self

    def token(self, path: str) -> str:
        """The token that a page brings along for changes."""
        found = _TOKEN.search(self.get(path).text)
        assert found is not None
        return found[1]

    def post(self, path: str, token: str | None, headers: dict[str, str] | None = None, **form: str) -> httpx2.Response:
        """The answer to a form with that token."""
        fields = form if token is None else {**form, "csrf": token}
        return self.http.post(path, data=fields, headers=headers)
