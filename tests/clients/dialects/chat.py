"""OpenAI's chat completions: requests read strictly, answers and events as the API has them.

Source: the OpenAI API reference, "Chat" and "Chat streaming". Bytes in, values out; no I/O.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct, field

from tests.clients.dialects import turns
from tests.clients.dialects.turns import Asked, Refused, Turn

Name = Annotated[str, Meta(min_length=1)]
_CREATED = 1_700_000_000
USAGE = {"prompt_tokens": 7, "completion_tokens": 5, "total_tokens": 12}


class _Part(Struct):
    type: Literal["text", "image_url", "input_audio", "file", "refusal"]
    text: str = ""


class _Message(Struct, tag_field="role", kw_only=True):
    """Fields that the API does not know are passed over here: clients send back what they were given, and more."""

    name: str | None = None


class _System(_Message, tag="system", kw_only=True):
    content: str | list[_Part]


class _Developer(_Message, tag="developer", kw_only=True):
    content: str | list[_Part]


class _User(_Message, tag="user", kw_only=True):
    content: str | list[_Part]


class _Called(Struct):
    name: Name
    arguments: str


class _ToolCall(Struct):
    id: Name
    type: Literal["function"]
    function: _Called


class _Assistant(_Message, tag="assistant", kw_only=True):
    content: str | list[_Part] | None = None
    tool_calls: Annotated[list[_ToolCall], Meta(min_length=1)] | None = None
    refusal: str | None = None


class _Tool(_Message, tag="tool", kw_only=True):
    content: str | list[_Part]
    tool_call_id: Name


Message = _System | _Developer | _User | _Assistant | _Tool


class _Declared(Struct, forbid_unknown_fields=True):
    name: Name
    description: str | None = None
    parameters: dict[str, Any] = field(default_factory=lambda: {"type": "object"})
    strict: bool | None = None


class _Declaration(Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    function: _Declared


class _Chosen(Struct):
    name: Name


class _Choice(Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    function: _Chosen


class _Schema(Struct, forbid_unknown_fields=True):
    name: Name
    schema: dict[str, Any]
    strict: bool | None = None
    description: str | None = None


class _Format(Struct, forbid_unknown_fields=True):
    type: Literal["text", "json_object", "json_schema"]
    json_schema: _Schema | None = None


class StreamOptions(Struct, forbid_unknown_fields=True):
    """`stream_options`."""

    include_usage: bool = False
    include_obfuscation: bool = True


class _Chat(Struct, forbid_unknown_fields=True):
    """The parameters that clients send; the API refuses those it does not know."""

    model: Name
    messages: Annotated[list[Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    tools: Annotated[list[_Declaration], Meta(min_length=1)] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Choice | None = None
    parallel_tool_calls: bool | None = None
    response_format: _Format | None = None
    temperature: Annotated[float, Meta(ge=0, le=2)] | None = None
    top_p: float | None = None
    n: Literal[1] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    stop: str | list[str] | None = None
    seed: int | None = None
    user: str | None = None
    store: bool | None = None
    metadata: dict[str, str] | None = None


_CHAT = msgspec.json.Decoder(_Chat)


def read(body: bytes) -> Asked:
    """A request to chat/completions. Raises Refused."""
    try:
        chat = _CHAT.decode(body)
    except msgspec.MsgspecError as error:
        raise Refused(str(error)) from None
    check_options(chat.stream, chat.stream_options)
    _check_calls(chat.messages)
    tools = _tools(chat)
    form = chat.response_format
    if form is not None and (form.type == "json_schema") != (form.json_schema is not None):
        raise Refused("Missing required parameter: 'response_format.json_schema'.")
    if form is not None and form.json_schema is not None:
        turns.check_strict(form.json_schema.schema, form.json_schema.strict)
    return Asked(
        model=chat.model,
        said=next((_text(m.content) for m in reversed(chat.messages) if isinstance(m, _User)), ""),
        stream=bool(chat.stream),
        usage=bool(chat.stream_options and chat.stream_options.include_usage),
        tools={} if chat.tool_choice == "none" else tools,
        tool=chat.tool_choice.function.name if isinstance(chat.tool_choice, _Choice) else None,
        answered=isinstance(chat.messages[-1], _Tool),
        shaped=form is not None and form.type == "json_schema",
    )


def answer(asked: Asked, turn: Turn) -> dict[str, Any]:
    """A chat completion."""
    message: dict[str, Any] = {"role": "assistant", "content": turn.text or None, "refusal": None, "annotations": []}
    if turn.tool is not None:
        message["tool_calls"] = [_call(turn, turn.arguments)]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(turn)}
    return {**head(asked, "chat.completion"), "choices": [choice], "usage": USAGE}


def events(asked: Asked, turn: Turn) -> list[bytes]:
    """The same as a stream."""
    if turn.tool is None:
        deltas: list[dict[str, Any]] = [{"role": "assistant", "content": "", "refusal": None}]
        deltas += [{"content": word} for word in turns.words(turn.text)]
    else:
        deltas = [{"role": "assistant", "content": None, "tool_calls": [{"index": 0, **_call(turn, "")}]}]
        pieces = turns.thirds(turn.arguments)
        deltas += [{"tool_calls": [{"index": 0, "function": {"arguments": piece}}]} for piece in pieces]
    chunks = [_chunk(asked, delta, None) for delta in deltas] + [_chunk(asked, {}, _finish(turn))]
    return framed(asked, chunks, "chat.completion.chunk")


def error(status: int, model: str, message: str | None = None) -> dict[str, Any]:
    """An error's body."""
    words, kind, code = {
        401: ("Incorrect API key provided: sk-x***x.", "invalid_request_error", "invalid_api_key"),
        404: (
            f"The model `{model}` does not exist or you do not have access to it.",
            "invalid_request_error",
            "model_not_found",
        ),
        429: (f"Rate limit reached for {model} on requests per min (RPM).", "requests", "rate_limit_exceeded"),
        500: ("The server had an error while processing your request. Sorry about that!", "server_error", None),
    }.get(status, ("Invalid request.", "invalid_request_error", None))
    return {"error": {"message": message or words, "type": kind, "param": None, "code": code}}


def _tools(chat: _Chat) -> dict[str, tuple[str, ...]]:
    if chat.tools is None:
        if chat.tool_choice is not None or chat.parallel_tool_calls is not None:
            raise Refused("'tool_choice' and 'parallel_tool_calls' are only allowed when 'tools' are specified.")
        return {}
    for tool in chat.tools:
        turns.check_strict(tool.function.parameters, tool.function.strict)
    found = {tool.function.name: turns.parameters(tool.function.parameters) for tool in chat.tools}
    if isinstance(chat.tool_choice, _Choice) and chat.tool_choice.function.name not in found:
        raise Refused("Tool choice not found in 'tools' parameter.")
    return found


def check_options(stream: bool | None, options: StreamOptions | None) -> None:
    """Raises Refused for options of a stream where none is asked for."""
    if options is not None and not stream:
        raise Refused("The 'stream_options' parameter is only allowed when 'stream' is enabled.")


def _check_calls(messages: list[Message]) -> None:
    """Every call of a tool is answered by the messages after it, and nothing else is."""
    open_calls: set[str] = set()
    for message in messages:
        if isinstance(message, _Tool):
            if message.tool_call_id not in open_calls:
                raise Refused("Messages with role 'tool' must be a response to a preceding message with 'tool_calls'.")
            open_calls.remove(message.tool_call_id)
            continue
        if open_calls:
            raise Refused(f"These tool_call_ids did not have response messages: {', '.join(sorted(open_calls))}")
        if isinstance(message, _Assistant):
            if message.content is None and message.tool_calls is None:
                raise Refused("An assistant message must have 'content' or 'tool_calls'.")
            open_calls = {call.id for call in message.tool_calls or ()}
    if open_calls:
        raise Refused(f"These tool_call_ids did not have response messages: {', '.join(sorted(open_calls))}")


def _text(content: str | list[_Part]) -> str:
    return content if isinstance(content, str) else " ".join(part.text for part in content)


def head(asked: Asked, kind: str) -> dict[str, Any]:
    """What every answer and chunk begins with."""
    return {
        "id": "chatcmpl-h1",
        "object": kind,
        "created": _CREATED,
        "model": asked.model,
        "system_fingerprint": "fp_1",
    }


def _chunk(asked: Asked, delta: dict[str, Any], finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}
    return {**head(asked, "chat.completion.chunk"), "choices": [choice]}


def framed(asked: Asked, chunks: list[dict[str, Any]], kind: str) -> list[bytes]:
    """The events of a stream, the one with its usage among them where it was asked for."""
    if asked.usage:
        chunks = [{**chunk, "usage": None} for chunk in chunks]
        chunks.append({**head(asked, kind), "choices": [], "usage": USAGE})
    return [b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in chunks] + [b"data: [DONE]\n\n"]


def _call(turn: Turn, arguments: str) -> dict[str, Any]:
    return {"id": "call_1", "type": "function", "function": {"name": turn.tool, "arguments": arguments}}


def _finish(turn: Turn) -> str:
    return "tool_calls" if turn.tool is not None else "stop"
