"""A request's head as llhttp and the rules of `wire.requests` read it: what the short way must agree with."""

from typing import Any

import httptools

from gateway.errors import GatewayError
from gateway.wire import requests
from gateway.wire.headers import Headers
from gateway.wire.requests import RequestHead


class _Listener:
    def __init__(self) -> None:
        self.url = b""
        self.headers: Headers = []
        self.heads: list[RequestHead] = []
        self.parser: Any = httptools.HttpRequestParser(self)

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        parser = self.parser
        keep_alive = parser.should_keep_alive() and not parser.should_upgrade()
        method, version = parser.get_method().decode("ascii"), parser.get_http_version()
        self.heads.append(requests.read(method, self.url, version, self.headers, keep_alive=keep_alive))


def by_llhttp(head: bytes) -> RequestHead | None:
    """The head, given without the empty line at its end; None where it is refused, or is not one head."""
    listener = _Listener()
    try:
        listener.parser.feed_data(head + b"\r\n\r\n")
    except (httptools.HttpParserError, httptools.HttpParserUpgrade, GatewayError):
        return None
    return listener.heads[0] if len(listener.heads) == 1 else None
