"""An answer on its way through: what is read of it in passing, what is taken out of it, how it may be broken off. Bytes
in, bytes out; nothing is sent or awaited here.
"""

from gateway.endpoints import Endpoint
from gateway.wire import headers as wire_headers
from gateway.wire.answers import AnswerReader, Budget, Served, broken_stream
from gateway.wire.headers import Headers
from gateway.wire.served import without_usage
from gateway.wire.usage import UsageFilter


class PassingAnswer:
    """One answer. `headers` are those that go on; `events`: it is an event stream that can be read.

    `usage_added`: the stream has an event that its caller did not ask for. An answer that is compressed, although that
    was not asked for, is not looked into.
    """

    def __init__(self, upstream: Headers, endpoint: Endpoint, budget: Budget, *, usage_added: bool) -> None:
        fields = dict(reversed(upstream))
        content_type = fields.get(b"content-type", b"").lower()
        coded = b"content-encoding" in fields
        plain = not coded or wire_headers.joined(upstream, b"content-encoding") == b"identity"
        self.events = plain and content_type.startswith(b"text/event-stream")
        self._dialect = endpoint.dialect
        self._counted = endpoint.counted
        is_read = self.events or (plain and b"json" in content_type)
        self._reader = AnswerReader(endpoint.dialect if is_read else None, stream=self.events, budget=budget)
        self._extra = UsageFilter() if self.events and usage_added else None
        self.headers = wire_headers.to_caller(upstream)
        if self._extra:  # what goes on is shorter than what came
            self.headers = [header for header in self.headers if header[0] != b"content-length"]

    def feed(self, chunk: bytes) -> bytes:
        """What of a chunk goes on now."""
        if self._reader.passes(chunk) and (self._extra is None or self._extra.at_rest):
            return chunk
        self._reader.feed(chunk)
        return self._extra.feed(chunk) if self._extra else chunk

    def end(self) -> bytes:
        """What goes on once everything went by."""
        return self._extra.end() if self._extra else b""

    def broken(self, call_id: str) -> bytes | None:
        """What is said where the answer is broken off here: an event, or nothing after the last one; None where it can
        only be cut. An event does not fit into an answer whose length is told: its own framing says that it is cut."""
        at_boundary = self._extra.at_boundary if self._extra else self._reader.at_boundary
        if not self.events or not at_boundary or wire_headers.content_length(self.headers) is not None:
            return None
        return b"" if self._reader.ended else broken_stream(self._dialect, call_id)

    def served(self) -> Served:
        """What it said of itself. Gives back what was held to read it."""
        served = self._reader.served()
        self._reader.close()
        return served if self._counted else without_usage(served)
