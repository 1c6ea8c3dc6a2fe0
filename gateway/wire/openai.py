"""What answers of the OpenAI API's older routes say of themselves: chat/completions, completions, embeddings.
Prompts and texts are never looked at.

Source: the OpenAI API reference, "Chat completion object", "Chat completion chunk object", "Completion object" and
"Create embeddings".
"""

import msgspec
from msgspec import Struct

from gateway.wire import fitting
from gateway.wire.served import SaidError, Served, count, error_code, reasons, says_error, short

_DONE = b"[DONE]"


class _InputDetails(Struct):
    cached_tokens: int | None = None


class _OutputDetails(Struct):
    reasoning_tokens: int | None = None


class _Usage(Struct):
    prompt_tokens: int | None = None
    completion_tokens: int | None = None
    prompt_tokens_details: _InputDetails | None = None
    completion_tokens_details: _OutputDetails | None = None


class _Choice(Struct):
    finish_reason: str | None = None


class _Answer(Struct):
    id: str | None = None
    model: str | None = None
    choices: list[_Choice] | None = None
    usage: _Usage | None = None
    error: SaidError | str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)


def matters(before: Served, events: bytes) -> bool:
    """Whether a look into these whole events could add to what is known, or the stream end with them.

    The compact form of "nothing yet", which stands in every chunk, is told from everything else; a text cannot
    be taken for it, since its quotes are escaped.
    """
    if before.model is None or before.response_id is None:
        return True
    return (
        events.count(b'"finish_reason"') != events.count(b'"finish_reason":null')
        or events.count(b'"usage"') != events.count(b'"usage":null')
        or b"\\u" in events  # a key may be written with escapes
        or _DONE in events
        or says_error(events)
    )


def ends(payload: bytes) -> bool:
    """Whether a stream is over with this event."""
    return payload == _DONE


def see(before: Served, payload: bytes) -> Served:
    """What is known after one more event, or after the one answer: a later event adds, it never takes away.

    Raises msgspec.MsgspecError, UnicodeDecodeError or RecursionError for what is no JSON object.
    """
    answer = fitting.decode(_ANSWER, payload)
    usage = answer.usage
    now = usage or _Usage()
    cached = now.prompt_tokens_details.cached_tokens if now.prompt_tokens_details else None
    reasoning = now.completion_tokens_details.reasoning_tokens if now.completion_tokens_details else None
    return Served(
        model=before.model or short(answer.model),
        response_id=before.response_id or short(answer.id),
        finish_reasons=reasons(before.finish_reasons, (choice.finish_reason for choice in answer.choices or ())),
        input_tokens=count(now.prompt_tokens) if usage else before.input_tokens,
        output_tokens=count(now.completion_tokens) if usage else before.output_tokens,
        cached_tokens=count(cached) if usage else before.cached_tokens,
        reasoning_tokens=count(reasoning) if usage else before.reasoning_tokens,
        error=before.error or error_code(answer.error),
    )
