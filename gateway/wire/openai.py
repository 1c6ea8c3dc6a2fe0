"""What the OpenAI API's answers say of themselves: model, id, finish reasons, usage. Prompts and texts are
never looked at.

Source: the OpenAI API reference, "Chat completion object" and "Chat completion chunk object".
"""

import msgspec
from msgspec import Struct

from gateway.wire.sse import EventScanner

_MAX_ANSWER = 8 << 20
_MAX_NAME = 256
_MAX_FINISH_REASONS = 128  # the most choices that the API gives


class Served(Struct, frozen=True):
    """What the upstream said of its answer. Tokens are None where it did not say."""

    model: str | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None


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


class _Error(Struct):
    code: str | int | None = None


class _ErrorBody(Struct):
    error: _Error | str | None = None


_ANSWER = msgspec.json.Decoder(_Answer)
_ERROR = msgspec.json.Decoder(_ErrorBody)


def error_code(body: bytes) -> str | None:
    """The `error.code` of an upstream's error body, None where it has no such shape."""
    try:
        error = _ERROR.decode(body).error
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return str(error.code) if isinstance(error, _Error) and error.code is not None else None


class AnswerReader:
    """Reads an answer in passing: give it every chunk that is relayed, then ask for `served`."""

    def __init__(self, *, stream: bool) -> None:
        self._events = EventScanner() if stream else None
        self._body: list[bytes] = []
        self._size = 0
        self._served = Served()

    @property
    def at_boundary(self) -> bool:
        """Whether a stream could end here without cutting an event."""
        return self._events is not None and self._events.at_boundary

    def feed(self, chunk: bytes) -> None:
        """Takes what was relayed; never raises, whatever it holds."""
        if self._events is not None:
            for payload in self._events.feed(chunk):
                self._see(payload)
            return
        self._size += len(chunk)
        if self._size <= _MAX_ANSWER:
            self._body.append(chunk)

    def served(self) -> Served:
        """What is known once everything went by."""
        if self._body and self._size <= _MAX_ANSWER:
            self._see(b"".join(self._body))
            self._body = []
        return self._served

    def _see(self, payload: bytes) -> None:
        try:
            answer = _ANSWER.decode(payload)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return  # `[DONE]`, or an answer of another shape: relayed all the same
        self._served = _merge(self._served, answer)


def _count(tokens: int | None) -> int | None:
    """A count that a span can carry (64 bits); what is none of that is not known."""
    return tokens if tokens is not None and 0 <= tokens < 2**63 else None


def _short(text: str | None) -> str | None:
    return text[:_MAX_NAME] if text else None


def _merge(before: Served, answer: _Answer) -> Served:
    """What is known after one more event: a later event adds, it never takes away."""
    finished = tuple(choice.finish_reason for choice in answer.choices or () if choice.finish_reason)
    usage = answer.usage
    if answer.id == before.response_id and not finished and usage is None and (before.model or not answer.model):
        return before
    now = usage or _Usage()
    cached = now.prompt_tokens_details.cached_tokens if now.prompt_tokens_details else None
    reasoning = now.completion_tokens_details.reasoning_tokens if now.completion_tokens_details else None
    return Served(
        model=before.model or _short(answer.model),
        response_id=before.response_id or _short(answer.id),
        finish_reasons=(before.finish_reasons + finished)[:_MAX_FINISH_REASONS],
        input_tokens=_count(now.prompt_tokens) if usage else before.input_tokens,
        output_tokens=_count(now.completion_tokens) if usage else before.output_tokens,
        cached_tokens=_count(cached) if usage else before.cached_tokens,
        reasoning_tokens=_count(reasoning) if usage else before.reasoning_tokens,
    )
