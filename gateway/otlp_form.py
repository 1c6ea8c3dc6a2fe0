"""What a form of OTLP must be able to do. `otlp.py` is protobuf's, `otlp_json.py` JSON's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan

_SMALL = 8192

Value = bool | str | int | float | tuple[str, ...]


class Envelope(Protocol):
    """The request around spans: one resource, one scope."""

    def around(self, spans: Sequence[bytes]) -> bytes:
        """The whole request. `spans` as `span` makes them."""


class Form(Protocol):
    """Plain functions that make bytes. A module is one."""

    @property
    def CONTENT_TYPE(self) -> str:  # noqa: N802 - a module's constant
        """Of a request in this form."""

    def writer(self, name: str) -> Callable[[Value | None], bytes]:
        """What makes an attribute's bytes of its value. Of None, no values, and a number beyond 64 bits: b""."""

    def span(
        self,
        ids: tuple[int, int],
        times: tuple[int, int],
        parent_id: int,
        *,
        state: str,
        error: bool,
        named: bytes,
        attributes: Sequence[bytes],
    ) -> bytes:
        """A CLIENT span.

        `ids`: of the trace, of the span. `times`: start and end, nanoseconds since the epoch, in 64 bits. `parent_id`:
        another process's span, or 0. `state`: the `tracestate`, W3C's text, may be empty. `named`: what `named` made;
        `attributes`: what writers made.
        """

    def named(self, name: str, values: Mapping[str, Value | None]) -> bytes:
        """What `span` takes as `named`: name, kind, and attributes that many spans have alike, one at least."""

    def envelope(self, example: ReadableSpan) -> Envelope:
        """The envelope with the example's resource and scope."""

    def sdk_span(self, made: ReadableSpan) -> bytes:
        """The same as `span` of what is an SDK's own already: slow, for attributes that are not ours."""


class Numbers(dict[int | None, bytes]):
    """What a writer makes of whole numbers, by number. Small ones are kept, and None: they come again."""

    def __init__(self, write: Callable[[Value | None], bytes]) -> None:
        super().__init__()
        self._write = write

    def __missing__(self, value: int | None) -> bytes:
        made = self._write(value)
        if value is None or 0 <= value < _SMALL:
            self[value] = made
        return made
