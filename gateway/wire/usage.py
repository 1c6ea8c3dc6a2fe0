"""Usage of a stream whose caller did not ask for it: the option put in, and its extra event taken out again.

Source: the OpenAI API reference, `stream_options.include_usage` of chat/completions and of completions: one more chunk
before `[DONE]`, its `choices` empty. Azure's first chunk has empty `choices` too, but no usage; vLLM may put usage into
chunks that have choices: both are the caller's.
"""

import re

import msgspec
from msgspec import Raw, Struct

from gateway.wire.body import RequestBody
from gateway.wire.sse import BLANK_LINE, BYTE_ORDER_MARK, data_of

# An event that grows beyond this is not the one: it is let through as it comes.
_MAX_HELD = 16 * 1024
_EMPTY_CHOICES = re.compile(rb'"choices"\s*:\s*\[\s*\]')


class _Chunk(Struct):
    choices: list[Raw] | None = None
    usage: dict[str, Raw] | None = None


_CHUNK = msgspec.json.Decoder(_Chunk)
_OPTIONS = msgspec.json.Decoder(dict[str, Raw])


def options_with_usage(body: RequestBody) -> bytes | None:
    """The value that `stream_options` needs for usage to come; None where it is asked for already, or cannot be."""
    if not body.stream:
        return None
    if body.stream_options is None:
        return b'{"include_usage":true}'
    try:
        options = _OPTIONS.decode(body.stream_options)
        asked = msgspec.json.decode(options["include_usage"]) if "include_usage" in options else False
    except (msgspec.MsgspecError, RecursionError):
        return b'{"include_usage":true}' if body.stream_options == b"null" else None  # upstream says what is wrong
    if asked:
        return None
    options["include_usage"] = Raw(b"true")
    return msgspec.json.encode(options)


class UsageFilter:
    """Takes the extra event out. Whole events pass at once; the beginning of one waits for its end, since it might be
    the one, but for no more than 16 KiB. So what has been let through ends at an event's boundary, unless the event is
    longer than that."""

    __slots__ = ("_after_cr", "_begun", "_held", "_oversized")

    def __init__(self) -> None:
        self._held = bytearray()
        self._begun = False  # the stream's first event went by; before it may stand a byte order mark
        self._oversized = False
        # The last event ended with a CR; a line feed that follows is its end's other half, and shares its fate: this.
        self._after_cr: bytes | None = None

    @property
    def at_boundary(self) -> bool:
        """Whether all that was let through was whole events."""
        return not self._oversized

    @property
    def at_rest(self) -> bool:
        """Whether whole events that say nothing of usage need not be fed."""
        return self._begun and not self._held and self._after_cr is None

    def feed(self, chunk: bytes) -> bytes:
        """What of the stream may go on to the caller now."""
        if self._is_of_no_interest(chunk):
            self._begun = True
            return chunk
        passed = bytearray()
        if self._after_cr is not None and chunk:
            if chunk.startswith(b"\n"):
                chunk = chunk[1:]
                passed += self._after_cr
            self._after_cr = None
        searched = max(0, len(self._held) - 3)
        self._held += chunk
        start = 0
        for blank in BLANK_LINE.finditer(self._held, searched):
            event = bytes(self._held[start : blank.end()])
            start = blank.end()
            is_extra = not self._oversized and self._takes_out(event)
            if not is_extra:
                passed += event
            ends_in_cr = start == len(self._held) and event.endswith(b"\r")
            self._after_cr = (b"" if is_extra else b"\n") if ends_in_cr else None
            self._oversized = False
            self._begun = True
        del self._held[:start]
        if self._oversized or len(self._held) > _MAX_HELD:
            self._oversized = True
            passed += self._held[:-3]
            del self._held[:-3]
        return bytes(passed)

    def _is_of_no_interest(self, chunk: bytes) -> bool:
        """Whether a chunk can pass unread: whole events in the common form that all say "no usage yet"."""
        return (
            not self._held
            and self._after_cr is None
            and chunk.endswith(b"\n\n")
            and b"\r" not in chunk
            and chunk.count(b'"usage"') == chunk.count(b'"usage":null')
        )

    def end(self) -> bytes:
        """What is left when the stream has ended without an event's end. A CR may have been that all the same."""
        rest = bytes(self._held)
        self._held.clear()
        return b"" if rest.endswith(b"\n\r") and self._takes_out(rest) else rest

    def _takes_out(self, event: bytes) -> bool:
        return _is_extra(event if self._begun else event.removeprefix(BYTE_ORDER_MARK))


def _is_extra(event: bytes) -> bool:
    """Whether an event is the one that the option brings: usage, and no choices."""
    if b'"usage"' not in event or _EMPTY_CHOICES.search(event) is None:
        return False
    try:
        chunk = _CHUNK.decode(data_of(event))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return chunk.choices == [] and chunk.usage is not None
