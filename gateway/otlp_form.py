"""What a form of OTLP must be able to do, and their memo. `otlp.py` is protobuf's, `otlp_json.py` JSON's."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from opentelemetry.sdk.trace import ReadableSpan

Value = bool | str | int | float | tuple[str, ...]

_KEPT_VALUES = 1024  # of each attribute, and none that is longer than
_KEPT_LENGTH = 1024  # bytes


class Memo(dict[Value | None, bytes]):
    """The bytes of one attribute by its value: `memo[value]`. Its values must be of one type, since 1 equals True."""

    def __init__(self, name: str, attribute: Callable[[str, Value | None], bytes]) -> None:
        super().__init__({None: b""})
        self.name = name
        self._attribute = attribute

    def __missing__(self, value: Value | None) -> bytes:
        encoded = self._attribute(self.name, value)
        if len(encoded) <= _KEPT_LENGTH:
            if len(self) >= _KEPT_VALUES:
                self.clear()
            self[value] = encoded
        return encoded


class Envelope(Protocol):
    """The request around spans: one resource, one scope."""

    def around(self, spans: Sequence[bytes]) -> bytes:
        """The whole request. `spans` as `span` makes them."""


class Form(Protocol):
    """Plain functions that make bytes. A module is one."""

    @property
    def CONTENT_TYPE(self) -> str:  # noqa: N802 - a module's constant
        """Of a request in this form."""

    def memo(self, name: str, *, unique: bool) -> Memo:
        """The bytes of an attribute by its value; `unique`: hardly any value comes twice."""

    def span(
        self,
        ids: tuple[int, int],
        times: tuple[int, int],
        parent: tuple[int, bool] | None,
        *,
        state: str,
        error: bool,
        named: bytes,
        attributes: Sequence[bytes],
    ) -> bytes:
        """A CLIENT span.

        `ids`: of the trace, of the span. `times`: start and end, nanoseconds since the epoch, in 64 bits. `parent`: its
        span id, and whether it is another process's. `state`: the `tracestate`, W3C's text, may be empty. `named`: what
        `named` made; `attributes`: what memos gave.
        """

    def named(self, name: str, values: Mapping[str, Value | None]) -> bytes:
        """What `span` takes as `named`: name, kind, and attributes that all calls of a route share, one at least."""

    def envelope(self, example: ReadableSpan) -> Envelope:
        """The envelope with the example's resource and scope."""

    def sdk_span(self, made: ReadableSpan) -> bytes:
        """The same as `span` of what is an SDK's own already: slow, for attributes that are not ours."""
