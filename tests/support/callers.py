"""A firm's callers, calling without pause beside a test, streamed and not; and what became of every call."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Iterator, Mapping, Sequence

import httpx2
import msgspec

from tests.support.admin import NO_TLS, STOCK
from tests.support.upstream import Peer, Received, completion

_PAUSE_SECONDS = 0.01  # between two calls of one caller: the processes beside it need the cores too


class Calls:
    """What became of them so far. `failed` has each failure's words."""

    def __init__(self) -> None:
        self.succeeded = 0
        self.failed: list[str] = []
        self.slowest = 0.0

    def add(self, seconds: float, failure: str | None) -> None:
        """One more."""
        self.slowest = max(self.slowest, seconds)
        if failure is None:
            self.succeeded += 1
        else:
            self.failed.append(failure)


@contextlib.contextmanager
def calling(urls: Sequence[str], auth: Mapping[str, str]) -> Iterator[Calls]:
    """Two callers at each gateway, one of them streaming, until the block ends; every call ends before it does."""
    calls, over = Calls(), threading.Event()

    async def call_all() -> None:
        async with httpx2.AsyncClient(headers=dict(auth), verify=NO_TLS, timeout=30) as http:
            await asyncio.gather(*(_call(http, url, stream, calls, over) for url in urls for stream in (False, True)))

    thread = threading.Thread(target=asyncio.run, args=(call_all(),), name="callers")
    thread.start()
    try:
        yield calls
    finally:
        over.set()
        thread.join()


async def _call(http: httpx2.AsyncClient, url: str, stream: bool, calls: Calls, over: threading.Event) -> None:
    body = {"model": STOCK, "messages": [{"role": "user", "content": "Write a clause."}], "stream": stream}
    while not over.is_set():
        begun = time.monotonic()
        try:
            answer = await http.post(f"{url}/v1/chat/completions", json=body)
            whole = answer.text.endswith("data: [DONE]\n\n") if stream else bool(answer.json()["choices"])
            failure = None if answer.status_code == 200 and whole else f"{answer.status_code} {answer.text}"
        except (httpx2.HTTPError, ValueError, KeyError) as error:
            failure = repr(error)
        calls.add(time.monotonic() - begun, failure)
        await asyncio.sleep(_PAUSE_SECONDS)


async def answer_either(request: Received, peer: Peer) -> None:
    """A provider's script: answers at once, streamed where that was asked for, by the model that was asked for."""
    asked = msgspec.json.decode(request.body)
    whole = completion(asked["model"])
    if not asked.get("stream"):
        await peer.answer(whole)
        return
    await peer.begin_stream()
    await peer.chunk(b"data: " + whole + b"\n\n")
    await peer.chunk(b"data: [DONE]\n\n")
    await peer.chunk(b"")
