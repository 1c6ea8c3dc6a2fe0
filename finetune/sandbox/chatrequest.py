"""What a chat request may contain: the documented parameters as a table, and the checks, as values.

Pure: a decoded body in, a `ChatRequest` out, or the provider's refusal. Whether the model exists is
models.py's question, asked between `asked_model` and `read`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct

from finetune.sandbox.errors import ApiError, Refusal
from finetune.sandbox.validation import ROLES

_Body = Mapping[str, object]
_MOST_STOPS = 4
_LARGEST_SEED = 2**63 - 1


class Limits(Struct, frozen=True):
    """The JSON type of a parameter and, for a number, its range. null is always allowed."""

    kinds: tuple[type, ...]
    low: float | None = None
    high: float | None = None


_ANYTHING = Limits(())
_STRING, _BOOL, _OBJECT, _ARRAY = Limits((str,)), Limits((bool,)), Limits((dict,)), Limits((list,))

PARAMETERS: Mapping[str, Limits] = {
    "messages": _ARRAY,
    "model": _STRING,
    "audio": _OBJECT,
    "frequency_penalty": Limits((int, float), -2, 2),
    "function_call": _ANYTHING,
    "functions": _ARRAY,
    "logit_bias": _OBJECT,
    "logprobs": _BOOL,
    "max_completion_tokens": Limits((int,), 1),
    "max_tokens": Limits((int,), 1),
    "metadata": _OBJECT,
    "modalities": _ARRAY,
    "moderation": _ANYTHING,
    "n": Limits((int,), 1, 128),
    "parallel_tool_calls": _BOOL,
    "prediction": _OBJECT,
    "presence_penalty": Limits((int, float), -2, 2),
    "prompt_cache_key": _STRING,
    "prompt_cache_options": _OBJECT,
    "prompt_cache_retention": _STRING,
    "reasoning_effort": _STRING,
    "response_format": _OBJECT,
    "safety_identifier": _STRING,
    "seed": Limits((int,), -_LARGEST_SEED, _LARGEST_SEED),
    "service_tier": _STRING,
    "stop": Limits((str, list)),
    "store": _BOOL,
    "stream": _BOOL,
    "stream_options": _OBJECT,
    "temperature": Limits((int, float), 0, 2),
    "tool_choice": _ANYTHING,
    "tools": _ARRAY,
    "top_logprobs": Limits((int,), 0, 20),
    "top_p": Limits((int, float), 0, 1),
    "user": _STRING,
    "verbosity": _STRING,
    "web_search_options": _OBJECT,
}
_STREAM_OPTIONS = frozenset({"include_usage", "include_obfuscation"})
_NAMES: Mapping[type, str] = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    list: "an array",
    dict: "an object",
    type(None): "null",
}


class ChatRequest(Struct, frozen=True, kw_only=True):
    messages: list[dict[str, Any]]
    stream: bool
    include_usage: bool
    seed: int | None
    stop: tuple[str, ...]
    max_tokens: int | None


def asked_model(body: _Body) -> str:
    model = body.get("model")
    if model is None or model == "":
        raise ApiError(Refusal.NO_MODEL)
    _check_type("model", model, _STRING)
    return str(model)


def read(body: _Body) -> ChatRequest:
    for name, value in body.items():
        if name not in PARAMETERS:
            raise ApiError(Refusal.UNKNOWN_PARAMETER, param=name)
        if value is not None:
            _check_type(name, value, PARAMETERS[name])
            _check_range(name, value, PARAMETERS[name])
    if body.get("n") not in (None, 1):
        raise ApiError(Refusal.UNSUPPORTED_VALUE, param="n", reason="must be 1 here; ask again for more replies.")
    given = {name: value for name, value in body.items() if value is not None}
    most = given.get("max_completion_tokens", given.get("max_tokens"))
    return ChatRequest(
        messages=_messages(body),
        stream=given.get("stream") is True,
        include_usage=_include_usage(given),
        seed=msgspec.convert(given.get("seed"), int | None),
        stop=_stops(given.get("stop")),
        max_tokens=msgspec.convert(most, int | None),
    )


def _check_type(param: str, value: object, limits: Limits) -> None:
    if limits.kinds and type(value) not in limits.kinds:
        expected = " or ".join(_NAMES[kind] for kind in limits.kinds if kind is not int or len(limits.kinds) == 1)
        got = _NAMES[type(value)]
        raise ApiError(Refusal.INVALID_TYPE, param=param, expected=expected, got=got)


def _check_range(param: str, value: object, limits: Limits) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        return
    if limits.low is not None and value < limits.low:
        raise ApiError(Refusal.INVALID_VALUE, param=param, reason=f"{value} is below the minimum of {limits.low}.")
    if limits.high is not None and value > limits.high:
        raise ApiError(Refusal.INVALID_VALUE, param=param, reason=f"{value} is above the maximum of {limits.high}.")


def _messages(body: _Body) -> list[dict[str, Any]]:
    messages = body.get("messages")
    if not isinstance(messages, list):
        raise ApiError(Refusal.MISSING_PARAMETER, param="messages")
    if not messages:
        raise ApiError(Refusal.EMPTY_ARRAY, param="messages")
    for at, message in enumerate(messages):
        _check_message(f"messages[{at}]", message)
    return messages


def _check_message(param: str, message: object) -> None:
    _check_type(param, message, _OBJECT)
    assert isinstance(message, dict)  # noqa: S101 - just checked; tells the type checker
    if "role" not in message:
        raise ApiError(Refusal.MISSING_PARAMETER, param=f"{param}.role")
    role, content = message["role"], message.get("content")
    if not isinstance(role, str) or role not in ROLES:
        known = ", ".join(f"'{one}'" for one in sorted(ROLES))
        reason = f"'{role}' is not supported. Supported values are: {known}."
        raise ApiError(Refusal.INVALID_VALUE, param=f"{param}.role", reason=reason)
    if content is None:
        if role != "assistant":
            raise ApiError(Refusal.INVALID_TYPE, param=f"{param}.content", expected="a string or an array", got="null")
        return
    _check_type(f"{param}.content", content, Limits((str, list)))
    parts = content if isinstance(content, list) else []
    for at, part in enumerate(parts):
        if not isinstance(part, dict) or not isinstance(part.get("type"), str):
            raise ApiError(Refusal.MISSING_PARAMETER, param=f"{param}.content[{at}].type")


def _include_usage(given: _Body) -> bool:
    options = given.get("stream_options")
    if options is None:
        return False
    if given.get("stream") is not True:
        raise ApiError(Refusal.STREAM_OPTIONS)
    assert isinstance(options, dict)  # noqa: S101 - checked with the table; tells the type checker
    for name, value in options.items():
        if name not in _STREAM_OPTIONS:
            raise ApiError(Refusal.UNKNOWN_PARAMETER, param=f"stream_options.{name}")
        if value is not None:
            _check_type(f"stream_options.{name}", value, _BOOL)
    return options.get("include_usage") is True


def _stops(stop: object) -> tuple[str, ...]:
    stops = [stop] if isinstance(stop, str) else stop if isinstance(stop, list) else []
    if len(stops) > _MOST_STOPS:
        raise ApiError(Refusal.INVALID_VALUE, param="stop", reason=f"at most {_MOST_STOPS} are allowed.")
    for at, one in enumerate(stops):
        _check_type(f"stop[{at}]", one, _STRING)
    return tuple(one for one in stops if one)
