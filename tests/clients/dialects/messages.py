"""Anthropic's Messages: requests read strictly, answers and events as the API has them.

Source: Anthropic's API reference, "Messages", "Streaming messages", "Errors". Bytes in, values out; no I/O.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tests.clients.dialects import turns
from tests.clients.dialects.turns import Asked, Refused, Turn

Name = Annotated[str, Meta(min_length=1)]


class _Text(Struct, tag_field="type", tag="text"):
    text: Name


class _Image(Struct, tag_field="type", tag="image"):
    source: dict[str, Any]


class _Use(Struct, tag_field="type", tag="tool_use"):
    id: Name
    name: Name
    input: dict[str, Any]


class _Result(Struct, tag_field="type", tag="tool_result"):
    tool_use_id: Name
    content: str | list[dict[str, Any]] = ""
    is_error: bool = False


Block = _Text | _Image | _Use | _Result


class _Message(Struct, forbid_unknown_fields=True):
    role: Literal["user", "assistant"]
    content: str | list[Block]


class _Tool(Struct, forbid_unknown_fields=True):
    name: Name
    input_schema: dict[str, Any]
    description: str | None = None
    type: Literal["custom"] | None = None
    strict: bool | None = None
    cache_control: dict[str, Any] | None = None
    eager_input_streaming: bool | None = None


class _Choice(Struct, forbid_unknown_fields=True):
    type: Literal["auto", "any", "tool", "none"]
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class _Counted(Struct, forbid_unknown_fields=True):
    """What messages/count_tokens takes, and messages too."""

    model: Name
    messages: Annotated[list[_Message], Meta(min_length=1)]
    system: str | list[dict[str, Any]] | None = None
    tools: list[_Tool] | None = None
    tool_choice: _Choice | None = None
    thinking: dict[str, Any] | None = None
    output_config: dict[str, Any] | None = None
    cache_control: dict[str, Any] | None = None


class _Request(_Counted, forbid_unknown_fields=True, kw_only=True):
    max_tokens: Annotated[int, Meta(ge=1)]
    stream: bool | None = None
    temperature: Annotated[float, Meta(ge=0, le=1)] | None = None
    top_p: float | None = None
    top_k: int | None = None
    stop_sequences: list[str] | None = None
    metadata: dict[str, Any] | None = None


_REQUEST = msgspec.json.Decoder(_Request)
_COUNTED = msgspec.json.Decoder(_Counted)


def read(body: bytes) -> Asked:
    """A request to messages. Raises Refused."""
    try:
        asked = _REQUEST.decode(body)
    except msgspec.MsgspecError as error:
        raise Refused(str(error)) from None
    return _asked(asked, stream=bool(asked.stream))


def read_counted(body: bytes) -> Asked:
    """A request to messages/count_tokens. Raises Refused."""
    try:
        return _asked(_COUNTED.decode(body), stream=False)
    except msgspec.MsgspecError as error:
        raise Refused(str(error)) from None


def counted(_asked: Asked, _turn: Turn) -> dict[str, Any]:
    """The count."""
    return {"input_tokens": 7}


def answer(asked: Asked, turn: Turn) -> dict[str, Any]:
    """A message."""
    usage = {"input_tokens": 7, "output_tokens": 5}
    return {**_message(asked), "content": [_block(turn)], "stop_reason": _stop(turn), "usage": usage}


def events(asked: Asked, turn: Turn) -> list[bytes]:
    """The same as a stream."""
    if turn.tool is None:
        opened: dict[str, Any] = {"type": "text", "text": ""}
        deltas = [{"type": "text_delta", "text": word} for word in turns.words(turn.text)]
    else:
        opened = {**_block(turn), "input": {}}
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in turns.thirds(turn.arguments)]
    stopped = {"stop_reason": _stop(turn), "stop_sequence": None}
    told: list[dict[str, Any]] = [
        {"type": "message_start", "message": _message(asked)},
        {"type": "content_block_start", "index": 0, "content_block": opened},
        {"type": "ping"},
        *({"type": "content_block_delta", "index": 0, "delta": delta} for delta in deltas),
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": stopped, "usage": {"output_tokens": 5}},
        {"type": "message_stop"},
    ]
    return [f"event: {e['type']}\n".encode() + b"data: " + msgspec.json.encode(e) + b"\n\n" for e in told]


def error(status: int, model: str, message: str | None = None) -> dict[str, Any]:
    """An error's body."""
    kind, words = {
        401: ("authentication_error", "invalid x-api-key"),
        404: ("not_found_error", f"model: {model}"),
        429: ("rate_limit_error", "This request would exceed your organization's rate limit."),
        500: ("api_error", "Internal server error"),
    }.get(status, ("invalid_request_error", "Invalid request."))
    return {"type": "error", "error": {"type": kind, "message": message or words}, "request_id": "req_1"}


def _asked(asked: _Counted, *, stream: bool) -> Asked:
    _check_turns(asked.messages)
    tools = {tool.name: turns.parameters(tool.input_schema) for tool in asked.tools or ()}
    choice = asked.tool_choice
    if choice is not None and (not tools or (choice.type == "tool") != (choice.name in tools)):
        raise Refused("tool_choice: names no tool of this request")
    form = (asked.output_config or {}).get("format")
    if form is not None and (form.get("type") != "json_schema" or "schema" not in form):
        raise Refused("output_config.format: not a JSON schema")
    if form is not None and form["schema"].get("additionalProperties") is not False:
        raise Refused("output_config.format.schema: 'additionalProperties' must be explicitly set to false")
    users = [text for message in asked.messages if message.role == "user" and (text := _text(message.content))]
    last = asked.messages[-1].content
    return Asked(
        model=asked.model,
        said=users[-1] if users else "",
        stream=stream,
        tools={} if choice is not None and choice.type == "none" else tools,
        tool=choice.name if choice is not None else None,
        answered=isinstance(last, list) and any(isinstance(block, _Result) for block in last),
        shaped=form is not None,
    )


def _check_turns(messages: list[_Message]) -> None:
    """The first word is the user's, and each use of a tool has its result in the next message."""
    if messages[0].role != "user":
        raise Refused("messages: first message must use the 'user' role")
    used: set[str] = set()
    for message in messages:
        blocks = message.content if isinstance(message.content, list) else []
        results = {block.tool_use_id for block in blocks if isinstance(block, _Result)}
        if results - used:
            raise Refused("messages: each `tool_result` block must have a corresponding `tool_use` block before it")
        if used - results:
            raise Refused("messages: `tool_use` ids were found without `tool_result` blocks immediately after")
        used = {block.id for block in blocks if isinstance(block, _Use)}
    if used:
        raise Refused("messages: `tool_use` ids were found without `tool_result` blocks immediately after")


def _message(asked: Asked) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": asked.model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {"input_tokens": 7, "output_tokens": 1},
    }


def _block(turn: Turn) -> dict[str, Any]:
    if turn.tool is None:
        return {"type": "text", "text": turn.text}
    return {"type": "tool_use", "id": "toolu_1", "name": turn.tool, "input": msgspec.json.decode(turn.arguments)}


def _stop(turn: Turn) -> str:
    return "tool_use" if turn.tool is not None else "end_turn"


def _text(content: str | list[Block]) -> str:
    if isinstance(content, str):
        return content
    return " ".join(block.text for block in content if isinstance(block, _Text))
