"""What answers of the OpenAI Responses API say of themselves. Prompts and texts are never looked at.

Source: the OpenAI API reference, "The response object" and "Streaming events" of Responses.
"""

import msgspec
from msgspec import Struct

from gateway.wire import fitting
from gateway.wire.served import SaidError, Served, count, error_code, reasons, says_error, short

# The API gives a status where chat completions give a finish reason. The OpenTelemetry GenAI conventions have one
# list of reasons for all (stop, length, content_filter, tool calls, error), so it is said in chat completions' words.
_REASONS = {"completed": "stop", "failed": "error"}
_INCOMPLETE = {"max_output_tokens": "length"}
_CALLS = frozenset({"function_call", "custom_tool_call"})
_LAST = frozenset({"response.completed", "response.incomplete", "response.failed"})


class _InputDetails(Struct):
    cached_tokens: int | None = None


class _OutputDetails(Struct):
    reasoning_tokens: int | None = None


class _Usage(Struct):
    input_tokens: int | None = None
    output_tokens: int | None = None
    input_tokens_details: _InputDetails | None = None
    output_tokens_details: _OutputDetails | None = None


class _Incomplete(Struct):
    reason: str | None = None


class _Item(Struct):
    type: str | None = None


class _Response(Struct):
    id: str | None = None
    model: str | None = None
    status: str | None = None
    usage: _Usage | None = None
    incomplete_details: _Incomplete | None = None
    output: list[_Item] | None = None
    error: SaidError | str | None = None


class _Event(_Response):
    """A streamed event has the answer in it, or is an error; an answer that is not streamed is the answer."""

    response: _Response | None = None
    type: str | None = None
    code: str | int | None = None


class _Typed(Struct):
    type: str | None = None


_EVENT = msgspec.json.Decoder(_Event)
_TYPED = msgspec.json.Decoder(_Typed)


def matters(before: Served, events: bytes) -> bool:  # noqa: ARG001 - the dialects have one shape
    """Whether a look into these whole events could add to what is known: few of them have the answer in them."""
    return b'"response"' in events or says_error(events)


def ends(payload: bytes) -> bool:
    """Whether a stream is over with this event. Raises as `see` does."""
    return b'"response"' in payload and _TYPED.decode(payload).type in _LAST


def see(before: Served, payload: bytes) -> Served:
    """What is known after one more event, or after the one answer: a later event adds, it never takes away.

    Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError for what is no JSON object.
    """
    event = fitting.decode(_EVENT, payload)
    answer = event.response or event
    usage = answer.usage
    now = usage or _Usage()
    cached = now.input_tokens_details.cached_tokens if now.input_tokens_details else None
    reasoning = now.output_tokens_details.reasoning_tokens if now.output_tokens_details else None
    return Served(
        model=before.model or short(answer.model),
        response_id=before.response_id or short(answer.id),
        finish_reasons=before.finish_reasons or reasons((), [_finish_reason(answer)]),
        input_tokens=count(now.input_tokens) if usage else before.input_tokens,
        output_tokens=count(now.output_tokens) if usage else before.output_tokens,
        cached_tokens=count(cached) if usage else before.cached_tokens,
        reasoning_tokens=count(reasoning) if usage else before.reasoning_tokens,
        error=before.error or _error(event, answer),
    )


def _error(event: _Event, answer: _Response) -> str | None:
    """An event of type `error` is flat by the API's reference, and has `error` in it where a server wraps it."""
    if event.type == "error":
        return error_code(event.error or SaidError(event.code))
    return error_code(answer.error or SaidError()) if answer.status == "failed" else error_code(answer.error)


def _finish_reason(answer: _Response) -> str | None:
    """Why the answer ended; None while it has not, or was cancelled."""
    if answer.status == "incomplete":
        why = answer.incomplete_details.reason if answer.incomplete_details else None
        return _INCOMPLETE.get(why, why) if why else "length"
    if answer.status == "completed" and any(item.type in _CALLS for item in answer.output or ()):
        return "tool_calls"
    return _REASONS.get(answer.status or "")
