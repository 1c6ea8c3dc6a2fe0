"""What answers of the Anthropic Messages API say of themselves. Prompts and texts are never looked at.

Source: Anthropic's API reference, "Messages" and "Streaming messages".
"""

import msgspec
from msgspec import Struct

from gateway.wire import fitting
from gateway.wire.served import SaidError, Served, count, error_code, reasons, says_error, short


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None


class _Delta(Struct):
    stop_reason: str | None = None


class _Message(Struct):
    id: str | None = None
    model: str | None = None
    stop_reason: str | None = None
    usage: _Usage | None = None


class _Event(_Message):
    """`message_start` has the message in it, `message_delta` has its change; what is not streamed is the message."""

    message: _Message | None = None
    delta: _Delta | None = None
    error: SaidError | str | None = None


class _Typed(Struct):
    type: str | None = None


_EVENT = msgspec.json.Decoder(_Event)
_TYPED = msgspec.json.Decoder(_Typed)


def matters(before: Served, events: bytes) -> bool:  # noqa: ARG001 - the dialects have one shape
    """Whether a look into these whole events could add to what is known: those about the message, not its blocks."""
    return b'"message_' in events or says_error(events)


def ends(payload: bytes) -> bool:
    """Whether a stream is over with this event. Raises as `see` does."""
    return b'"message_stop"' in payload and _TYPED.decode(payload).type == "message_stop"


def see(before: Served, payload: bytes) -> Served:
    """What is known after one more event, or after the one answer. Counts in a `message_delta` are cumulative and
    replace; what it does not say stands.

    Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError for what is no JSON object.
    """
    event = fitting.decode(_EVENT, payload)
    message = event.message or event
    stopped = event.delta.stop_reason if event.delta else message.stop_reason
    known = Served(
        model=before.model or short(message.model),
        response_id=before.response_id or short(message.id),
        finish_reasons=before.finish_reasons or reasons((), [stopped]),
        input_tokens=before.input_tokens,
        output_tokens=before.output_tokens,
        cached_tokens=before.cached_tokens,
        cache_creation_tokens=before.cache_creation_tokens,
        error=before.error or error_code(event.error),
    )
    return _with_usage(known, message.usage) if message.usage else known


def _with_usage(before: Served, usage: _Usage) -> Served:
    """The API counts what was read from the cache and written to it beside `input_tokens`; `Served` counts it in."""
    read = count(usage.cache_read_input_tokens)
    written = count(usage.cache_creation_input_tokens)
    read = before.cached_tokens if read is None else read
    written = before.cache_creation_tokens if written is None else written
    fresh = count(usage.input_tokens)
    if fresh is None and before.input_tokens is not None:
        fresh = before.input_tokens - (before.cached_tokens or 0) - (before.cache_creation_tokens or 0)
    output = count(usage.output_tokens)
    return Served(
        model=before.model,
        response_id=before.response_id,
        finish_reasons=before.finish_reasons,
        input_tokens=None if fresh is None else count(fresh + (read or 0) + (written or 0)),
        output_tokens=before.output_tokens if output is None else output,
        cached_tokens=read,
        cache_creation_tokens=written,
        error=before.error,
    )
