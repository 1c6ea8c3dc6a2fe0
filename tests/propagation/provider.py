"""The provider of these tests, and their judge: `python -m tests.propagation.provider` prints its port.

It keeps of each call when it came, the model and the credential that it came with, by the call's own name, which its
caller put into the body's `metadata`. `/calls` and `/calls/NAME` answer what was kept.
"""

import time

import msgspec
from msgspec import Struct

from tests.bench.serving import Connection, serve
from tests.support.upstream import completion


class Arrival(Struct, frozen=True):
    """A call as the provider received it. `time` is of the machine's one monotonic clock, in nanoseconds."""

    time: int
    model: str
    credential: str


class _Metadata(Struct):
    call: str


class _Body(Struct):
    model: str
    metadata: _Metadata


_BODY = msgspec.json.Decoder(_Body)


class Provider:
    """What it has received."""

    def __init__(self) -> None:
        self._calls: dict[str, list[Arrival]] = {}

    def handle(self, connection: Connection) -> None:
        """One request."""
        _, _, name = connection.path.decode().partition("/calls")
        if name:
            connection.answer(msgspec.json.encode(self._calls.get(name[1:], [])))
        elif connection.path == b"/calls":
            connection.answer(msgspec.json.encode(self._calls))
        else:
            body = _BODY.decode(connection.body)
            credential = connection.authorization.decode().removeprefix("Bearer ")
            arrival = Arrival(time.monotonic_ns(), body.model, credential)
            self._calls.setdefault(body.metadata.call, []).append(arrival)
            connection.answer(completion(body.model))


if __name__ == "__main__":
    serve(Provider().handle)
