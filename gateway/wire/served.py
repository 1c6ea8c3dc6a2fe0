"""What an answer says of itself, in one shape for all dialects; no decoding here."""

from collections.abc import Iterable

from msgspec import Struct

_MAX_NAME = 256
_MOST_TOKENS = 10**9  # a thousand times what models read at once: more would spoil every sum that it is added to
_MAX_FINISH_REASONS = 128  # the most choices that the OpenAI API gives


class Served(Struct, frozen=True):
    """What the upstream said of its answer. Tokens are None where it did not say.

    `error`: the code of the error that stands in an answer that began well. `input_tokens` has the cached ones in it,
    read or written, as the OpenTelemetry GenAI conventions count them.
    """

    model: str | None = None
    response_id: str | None = None
    finish_reasons: tuple[str, ...] = ()
    input_tokens: int | None = None
    output_tokens: int | None = None
    cached_tokens: int | None = None
    reasoning_tokens: int | None = None
    cache_creation_tokens: int | None = None
    error: str | None = None


def without_usage(served: Served) -> Served:
    """The same, but for its tokens."""
    return Served(served.model, served.response_id, served.finish_reasons, error=served.error)


def count(tokens: int | None) -> int | None:
    """A count that a call can have; of another, nothing is known, neither for spans nor for sums."""
    return tokens if tokens is not None and 0 <= tokens <= _MOST_TOKENS else None


class SaidError(Struct):
    """An error as the providers write it, as far as it says which."""

    code: str | int | None = None
    type: str | None = None


def error_code(error: SaidError | str | None) -> str | None:
    """Which error an answer tells of; None for none. One that is a text alone has no code, and the text is not kept: it
    may quote the prompt."""
    if not error:
        return None
    if isinstance(error, str):
        return "error"
    return short(str(error.code)) if error.code else short(error.type) or "error"


def says_error(events: bytes) -> bool:
    """Whether an error may be told of in these events. No text is taken for one, since its quotes are escaped."""
    return events.count(b'"error"') != events.count(b'"error":null')


def short(text: str | None) -> str | None:
    """A name as long as it is recorded; None for an empty one."""
    return text[:_MAX_NAME] if text else None


def reasons(before: tuple[str, ...], more: Iterable[str | None]) -> tuple[str, ...]:
    """`before` and, after it, those of `more` that say something; bounded in number and length."""
    return (before + tuple(reason[:_MAX_NAME] for reason in more if reason))[:_MAX_FINISH_REASONS]
