"""Usage of a stream whose caller did not ask for it: the option put in, and its extra event taken out again.

Source: the OpenAI API reference, `stream_options.include_usage`: one more chunk before `[DONE]`, its `choices` empty.
"""

import re

import msgspec
from msgspec import Raw, Struct

from gateway.wire.body import RequestBody
from gateway.wire.sse import BLANK_LINE, data_of

# An event that grows beyond this is not the one: it is let through as it comes.
_MAX_HELD = 64 * 1024
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
    the one. So what has been let through always ends at an event's boundary, but for an oversized one."""

    __slots__ = ("_held", "_oversized")

    def __init__(self) -> None:
        self._held = bytearray()
        self._oversized = False

    @property
    def at_boundary(self) -> bool:
        """Whether all that was let through was whole events."""
        return not self._oversized

    def feed(self, chunk: bytes) -> bytes:
        """What of the stream may go on to the caller now."""
        searched = max(0, len(self._held) - 3)
        self._held += chunk
        passed = bytearray()
        start = 0
        for blank in BLANK_LINE.finditer(self._held, searched):
            if blank.end() == len(self._held) and self._held.endswith(b"\r"):
                break  # half of a CRLF perhaps, whose other half belongs to this event
            event = bytes(self._held[start : blank.end()])
            start = blank.end()
            if self._oversized or not _is_extra(event):
                passed += event
            self._oversized = False
        del self._held[:start]
        if len(self._held) > _MAX_HELD:
            self._oversized = True
            passed += self._held[:-3]
            del self._held[:-3]
        return bytes(passed)

    def end(self) -> bytes:
        """What is left when the stream has ended without an event's end."""
        rest = bytes(self._held)
        self._held.clear()
        return rest


def _is_extra(event: bytes) -> bool:
    """Whether an event is the one that the option brings: usage, and no choices."""
    if b'"usage"' not in event or _EMPTY_CHOICES.search(event) is None:
        return False
    try:
        chunk = _CHUNK.decode(data_of(event))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return False
    return chunk.choices == [] and chunk.usage is not None
