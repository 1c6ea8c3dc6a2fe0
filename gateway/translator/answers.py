"""What is answered, in the OpenAI API's shape: litellm's chunks and answers made plain, its exceptions made errors.

Pure: litellm's objects come in as what they hold. No error says a secret, or what litellm said around the provider's
words.

Source: the OpenAI API reference, "Chat completion object", "Chat completion chunk object", "Error codes".
"""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Struct

# litellm adds its own guess of the cost, and other providers' names for the same.
_USAGE = (
    *("prompt_tokens", "completion_tokens", "total_tokens"),
    *("prompt_tokens_details", "completion_tokens_details"),
)
DONE = b"data: [DONE]\n\n"

_MAX_WORDS = 2000
_LITELLMS_WORDS = re.compile(r"^(?:litellm\.[A-Za-z.]*(?:Error|Timeout)|[A-Za-z_]*(?:Exception|Error))\s*:?\s*-?\s*")
# The provider refuses the model itself, in words: Bedrock's exceptions carry no code for it.
_MODEL_REFUSED = re.compile(
    r"model identifier is invalid|could not resolve the foundation model|access to the model with the specified"
    r"|publisher model .* (?:was )?not found|model.{0,200} (?:does not exist|not found|is not supported in)"
    r"|on-demand throughput isn.t supported|end of its life|custom model deployment.{0,100}(?:not found|not exist)",
    re.IGNORECASE | re.DOTALL,
)
_TYPES = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
_CODES = {
    401: "invalid_api_key",
    403: "permission_denied",
    404: "model_not_found",
    408: "upstream_timeout",
    413: "request_too_large",
    429: "rate_limit_exceeded",
}
_OWN_CODES = {
    "ContextWindowExceededError": "context_length_exceeded",
    "ContentPolicyViolationError": "content_policy_violation",
    "UnsupportedParamsError": "unsupported_parameter",
}


class Failure(Struct, frozen=True):
    """An exception, as far as it matters: the names of its class and of those that led to it, its status and words,
    whether these are the provider's, with its `retry-after`; whether no connection was made, or it broke."""

    names: tuple[str, ...]
    status: int | None
    words: str
    providers: bool = False
    retry_after: str | None = None
    not_reached: bool = False
    broken: bool = False


class Error(Struct, frozen=True):
    """An error to answer with. `headers` besides the content's type."""

    status: int
    code: str
    message: str
    param: str | None = None
    headers: tuple[tuple[bytes, bytes], ...] = ()

    def body(self) -> bytes:
        """In the OpenAI API's shape."""
        kind = _TYPES.get(self.status, "invalid_request_error" if self.status < 500 else "server_error")
        error = {"message": self.message, "type": kind, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})


# What goes wrong beside the call itself, by the name of what was raised.
_IMAGE = Error(400, "invalid_image_url", "An image or file that the messages name could not be fetched.", "messages")
_TOKEN = Error(401, "invalid_api_key", "The provider's service account was refused, or its key cannot be read.")
_BESIDES = {
    "ImageFetchError": _IMAGE,
    "SSRFError": _IMAGE,
    "RefreshError": _TOKEN,
    "MalformedError": _TOKEN,
    "TransportError": Error(502, "upstream_unreachable", "The provider's token endpoint could not be reached."),
}
BESIDES = frozenset(_BESIDES)


def error_of(failure: Failure, secrets: Iterable[str]) -> Error:
    """What the caller hears of a failure."""
    for name in failure.names:
        if name in _BESIDES:
            return _BESIDES[name]
    if failure.not_reached:
        return Error(502, "upstream_unreachable", "The provider could not be reached.")
    if failure.broken:
        return Error(502, "upstream_protocol_error", "The provider's answer could not be read.")
    status = failure.status or 500
    if failure.providers and status < 400:
        return Error(502, "upstream_protocol_error", "The provider answered with a redirect, which is not followed.")
    if status == 408:
        return Error(504, "upstream_timeout", "The provider did not answer in time.")
    if not failure.providers and not 400 <= status < 500:  # litellm's own failing, told with its traceback
        return Error(500, "internal_error", f"The translator failed on this call ({failure.names[0]}).")
    return _refusal(failure, status, without(_providers_words(failure.words), secrets))


def _refusal(failure: Failure, status: int, words: str) -> Error:
    retry = failure.retry_after if status in (429, 503) else None
    headers = ((b"retry-after", retry.encode()),) if retry and retry.isascii() and retry.isprintable() else ()
    if status in (400, 403, 404) and _MODEL_REFUSED.search(words):
        return Error(404 if status == 400 else status, "model_not_found", words, "model", headers)
    own = next((_OWN_CODES[name] for name in failure.names if name in _OWN_CODES), None)
    code = own or _CODES.get(status) or ("invalid_request" if status < 500 else "upstream_error")
    return Error(status, code, words, "model" if status == 404 else None, headers)


def without(text: str, secrets: Iterable[str]) -> str:
    """`text` with no secret in it, nor a part of one that JSON has escaped."""
    for secret in secrets:
        for form in {secret, json.dumps(secret)[1:-1]}:
            text = text.replace(form, "…")
    return text[:_MAX_WORDS]


def _providers_words(words: str) -> str:
    """The provider's own message where it can be found in what litellm says, else that, less its decoration."""
    words = words.partition("Traceback (most recent call last)")[0]
    start = words.find("{")
    while start != -1:
        try:
            found, _ = json.JSONDecoder().raw_decode(words, start)
        except (ValueError, RecursionError):
            break
        message = _message(found)
        if message:
            return message
        start = words.find("{", start + 1)
    while (stripped := _LITELLMS_WORDS.sub("", words)) != words:
        words = stripped
    return words.strip() or "The provider refused the call."


def _message(found: Any) -> str | None:
    if isinstance(found, Mapping):
        error = found.get("error")
        for place in (error, found):
            words = place.get("message", place.get("Message")) if isinstance(place, Mapping) else None
            if isinstance(words, str) and words:
                return words
    return None


# answers


def plain(answer: Mapping[str, Any], model: str | None) -> dict[str, Any]:
    """An answer or a chunk with what the API's objects always have, and without what is empty.

    `model` where the provider does not say which one answered, so that it is the one that was asked.
    """
    made = {name: value for name, value in answer.items() if value not in (None, [], {})}
    if model is not None:
        made["model"] = model
    if isinstance(made.get("usage"), Mapping):
        made["usage"] = {name: _present(made["usage"][name]) for name in _USAGE if made["usage"].get(name) is not None}
    if isinstance(made.get("choices"), list):
        made["choices"] = [{"finish_reason": None, "logprobs": None, **_present(choice)} for choice in made["choices"]]
    return made


def _present(value: Any) -> Any:
    """Without members that are null, at any depth; `content` stays, since clients read it."""
    if isinstance(value, Mapping):
        return {k: _present(v) for k, v in value.items() if v is not None or k in ("content", "finish_reason")}
    if isinstance(value, list):
        return [_present(one) for one in value]
    return value


def chunks(chunk: Mapping[str, Any], model: str | None, *, with_usage: bool) -> list[dict[str, Any]]:
    """The chunks that one of litellm's becomes: its choices, and by itself its usage, where that was asked for."""
    made = plain(chunk, model)
    usage = made.pop("usage", None)
    choices = made.get("choices") or []
    said = any(choice["finish_reason"] or _says_something(choice.get("delta")) for choice in choices)
    parts = [{**made, "choices": choices}] if said else []
    if usage is not None and with_usage:
        parts.append({**made, "choices": [], "usage": usage})
    return parts


def _says_something(delta: Any) -> bool:
    return isinstance(delta, Mapping) and any(value is not None for value in delta.values())


def event(chunk: Mapping[str, Any]) -> bytes:
    """A server-sent event."""
    return b"data: " + msgspec.json.encode(chunk) + b"\n\n"
