"""A caller who leaves a call at a translated provider, and the provider who sees it: for the tests, and as a measure.

`python -m tests.gateway.translated.leaving` prints how long it took in each of a hundred calls, from the end of the
caller's connection to the end of the provider's.
"""

import asyncio
import tempfile
import time
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from tests.gateway.translated.firms import KINDS, Kind, new_firm, provider
from tests.gateway.translator.talking import MESSAGES, PYTHON
from tests.gateway.upstream.server import Peer
from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import gateway_environ, running

CALLS = 100
# Whether the call is streamed, and whether its answer has begun when its caller leaves.
MOMENTS = {"not streamed": (False, False), "before the first byte": (True, False), "in the stream": (True, True)}


class Departure:
    """One call: the provider's side of it is `script`, the caller's `leave`."""

    def __init__(self, kind: Kind, moment: str) -> None:
        self.stream, self._begun = MOMENTS[moment]
        self._kind = kind
        self._reached = asyncio.Event()
        self._ended = asyncio.Event()
        self._left = self._seen = 0.0

    async def script(self, peer: Peer) -> None:
        """Answers as far as the moment asks for it, and waits for the connection's end."""
        await peer.request()
        if self._begun:
            await peer.say(self._kind.stream[0])
        self._reached.set()
        await peer.gone()
        self._seen = time.perf_counter()
        self._ended.set()

    async def leave(self, firm: Firm, workflow: str) -> float:
        """Calls, leaves, and returns once the provider has seen it: the seconds that it took."""
        place = urlsplit(firm.admin.url)
        reader, writer = await asyncio.open_connection(place.hostname, place.port)
        body = msgspec.json.encode({"model": "default", "messages": MESSAGES, "stream": self.stream})
        head = (
            f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {firm.key}\r\n"
            f"x-workflow: {workflow}\r\ncontent-length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        async with asyncio.timeout(60):
            await self._reached.wait()
            if self._begun:
                await reader.readuntil(b'"Hel"')
            self._left = time.perf_counter()
            writer.close()
            await self._ended.wait()
        return self._seen - self._left


async def _measure(admin: Admin) -> None:
    firm, kind = new_firm(admin), KINDS["bedrock"]
    for moment in MOMENTS:
        departures: list[Departure] = []

        async def script(peer: Peer, made: list[Departure] = departures) -> None:
            await made[-1].script(peer)

        took: list[float] = []
        async with provider(firm, kind, script):
            for number in range(CALLS + 1):
                departures.append(Departure(kind, moment))
                took.append(await departures[-1].leave(firm, f"leaving-{number}") * 1000)
        took = sorted(took[1:])  # the first starts the translator
        figures = f"p50 {took[CALLS // 2]:.1f} ms · p99 {took[CALLS * 99 // 100]:.1f} ms · longest {took[-1]:.1f} ms"
        print(f"{moment}, {CALLS} calls: {figures}")  # noqa: T201 - its output


def main() -> None:
    """Measures on a gateway of its own."""
    with tempfile.TemporaryDirectory() as directory:
        environ = gateway_environ(Path(directory) / "data", HOUSESTYLE_TRANSLATOR_PYTHON=str(PYTHON))
        log = Path(directory) / "log"
        with running(["serve", "--port", "0"], environ, log) as program, Admin(program.url) as admin:
            asyncio.run(_measure(admin))


if __name__ == "__main__":
    main()
