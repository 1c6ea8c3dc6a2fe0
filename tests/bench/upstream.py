"""The provider of the bench, and its judge: `python -m tests.bench.upstream CERTIFICATE` prints its ports (plain, TLS).

A request's credential names its model: `Bearer sk-NAME` must come with the model `ft:…:NAME`, else the answer is 400,
so that no gateway is measured that did not rewrite. `"pace":"CHUNKSxMS"` in the body of a stream says how many chunks
it is answered with and how many milliseconds apart; each is written by itself. `/control` answers what was seen.
"""

import asyncio
import json
import re
import ssl
import sys
from collections import Counter
from typing import Any

from tests.bench.serving import Connection, serve

TUNED = "ft:gpt-4o-mini-2024-07-18:bench::%s"
_ANSWER = json.dumps(
    {
        "id": "chatcmpl-CeYq3vY0T5nQ4mW0jv1k2b3c4d5e6",
        "object": "chat.completion",
        "created": 1_763_800_000,
        "model": TUNED % "t0",
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": "The Keeper shall deliver the crop before the first day of October, and the Owner shall "
                    "give a receipt for each basket; the value of what is missing is paid at the end of the season.",
                    "refusal": None,
                },
                "logprobs": None,
                "finish_reason": "stop",
            },
        ],
        "usage": {"prompt_tokens": 212, "completion_tokens": 43, "total_tokens": 255},
        "service_tier": "default",
        "system_fingerprint": "fp_50906f2aac",
    },
    separators=(",", ":"),
).encode()
_EVENT = (
    b'data: {"id":"chatcmpl-CeYq3vY0T5nQ","object":"chat.completion.chunk","created":1763800000,"model":"ft:bench",'
    b'"choices":[{"index":0,"delta":%b,"finish_reason":%b}]%b}\n\n'
)
CHUNK = _EVENT % (b'{"content":" the Keeper shall"}', b"null", b"")
_LAST = _EVENT % (b"{}", b'"stop"', b"")
_USAGE = _EVENT % (b"{}", b"null", b',"usage":{"prompt_tokens":212,"completion_tokens":43,"total_tokens":255}')
_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
_PACE = re.compile(rb'"pace":\s*"(\d+)x(\d+)"')
_ASKS_USAGE = re.compile(rb'"include_usage":\s*true')


def _framed(data: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(data), data)


_FRAME = _framed(CHUNK)


class Provider:
    """Answers, and counts: requests, those refused, chunks, streams under way."""

    def __init__(self) -> None:
        self.seen: Counter[str] = Counter()

    def handle(self, connection: Connection) -> None:
        """One request."""
        if connection.path == b"/control":
            connection.answer(json.dumps(self.seen).encode())
            return
        self.seen["requests"] += 1
        if not _is_rewritten(connection):
            self.seen["refused"] += 1
            connection.transport.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
            return
        paced = _PACE.search(connection.body)
        if paced is None:
            connection.answer(_ANSWER)
        else:
            Stream(self, connection, int(paced[1]), int(paced[2]) / 1000)


def _is_rewritten(connection: Connection) -> bool:
    scheme, _, name = connection.authorization.partition(b" sk-")
    model = TUNED.encode() % name
    body = connection.body
    return scheme == b"Bearer" and (b'"model":"%b"' % model in body or b'"model": "%b"' % model in body)


class Stream:
    """An answer, chunk by chunk; the first one at once, with the head."""

    def __init__(self, provider: Provider, connection: Connection, chunks: int, pause: float) -> None:
        self._provider = provider
        self._connection = connection
        self._left = chunks - 1
        self._pause = pause
        self._loop = asyncio.get_running_loop()
        self._next = self._loop.time() + pause
        self._end = _framed(_LAST) + (_framed(_USAGE) if _ASKS_USAGE.search(connection.body) else b"")
        provider.seen["open"] += 1
        provider.seen["chunks"] += 1
        connection.transport.write(_HEAD + _FRAME)
        self._loop.call_at(self._next, self._tick)

    def _tick(self) -> None:
        if self._connection.closed:
            self._provider.seen["open"] -= 1
        elif self._left:
            self._left -= 1
            self._provider.seen["chunks"] += 1
            self._connection.transport.write(_FRAME)
            self._next += self._pause
            self._loop.call_at(self._next, self._tick)
        else:
            self._provider.seen["open"] -= 1
            self._connection.transport.write(self._end + _framed(b"data: [DONE]\n\n") + b"0\r\n\r\n")


def _context(certificate: str) -> Any:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


if __name__ == "__main__":
    serve(Provider().handle, _context(sys.argv[1]))
