"""OpenAI's Responses: requests read strictly, answers and events as the API has them.

Source: the OpenAI API reference, "Responses" and "Streaming events". Bytes in, values out; no I/O.
"""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tests.clients.dialects import turns
from tests.clients.dialects.turns import Asked, Refused, Turn

Name = Annotated[str, Meta(min_length=1)]
_CREATED = 1_700_000_000
_USAGE = {
    "input_tokens": 7,
    "input_tokens_details": {"cached_tokens": 0},
    "output_tokens": 5,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": 12,
}


class _Part(Struct):
    type: Literal["input_text", "input_image", "input_file", "output_text", "refusal"]
    text: str = ""


class _Message(Struct, tag_field="type", tag="message"):
    role: Literal["user", "assistant", "system", "developer"]
    content: str | list[_Part]


class _Call(Struct, tag_field="type", tag="function_call"):
    call_id: Name
    name: Name
    arguments: str


class _Output(Struct, tag_field="type", tag="function_call_output"):
    call_id: Name
    output: str | list[_Part]


class _Reasoning(Struct, tag_field="type", tag="reasoning"):
    summary: list[Any]


class _Reference(Struct, tag_field="type", tag="item_reference"):
    id: Name


Item = _Message | _Call | _Output | _Reasoning | _Reference


class _Tool(Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    name: Name
    parameters: dict[str, Any]
    strict: bool | None = None
    description: str | None = None


class _Choice(Struct, forbid_unknown_fields=True):
    type: Literal["function"]
    name: Name


class _Format(Struct, forbid_unknown_fields=True):
    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
    description: str | None = None


class _Text(Struct, forbid_unknown_fields=True):
    format: _Format | None = None
    verbosity: str | None = None


class _Request(Struct, forbid_unknown_fields=True):
    model: Name
    input: str | list[dict[str, Any]]
    instructions: str | None = None
    stream: bool | None = None
    stream_options: dict[str, bool] | None = None
    tools: list[_Tool] | None = None
    tool_choice: Literal["none", "auto", "required"] | _Choice | None = None
    parallel_tool_calls: bool | None = None
    text: _Text | None = None
    temperature: float | None = None
    top_p: float | None = None
    max_output_tokens: Annotated[int, Meta(ge=16)] | None = None
    previous_response_id: str | None = None
    store: bool | None = None
    include: list[str] | None = None
    truncation: str | None = None
    metadata: dict[str, str] | None = None
    user: str | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def read(body: bytes) -> Asked:
    """A request to responses. Raises Refused."""
    try:
        asked = _REQUEST.decode(body)
        items = [] if isinstance(asked.input, str) else [_item(item) for item in asked.input]
    except msgspec.MsgspecError as error:
        raise Refused(str(error)) from None
    if asked.previous_response_id is None:
        _check_calls(items)
    for tool in asked.tools or ():
        turns.check_strict(tool.parameters, tool.strict)
    form = asked.text.format if asked.text else None
    shaped = form is not None and form.type == "json_schema"
    if form is not None and shaped:
        if not form.name or form.schema is None:
            raise Refused("Missing required parameter: 'text.format.name' or 'text.format.schema'.")
        turns.check_strict(form.schema, form.strict)
    tools = {tool.name: turns.parameters(tool.parameters) for tool in asked.tools or ()}
    users = [item for item in items if isinstance(item, _Message) and item.role == "user"]
    return Asked(
        model=asked.model,
        said=asked.input if isinstance(asked.input, str) else _text(users[-1].content) if users else "",
        stream=bool(asked.stream),
        tools={} if asked.tool_choice == "none" else tools,
        tool=asked.tool_choice.name if isinstance(asked.tool_choice, _Choice) else None,
        answered=bool(items) and isinstance(items[-1], _Output),
        shaped=shaped,
    )


def answer(asked: Asked, turn: Turn) -> dict[str, Any]:
    """A finished response."""
    return _response(asked, "completed", [_output(turn)])


def events(asked: Asked, turn: Turn) -> list[bytes]:
    """The same as a stream."""
    begun = _response(asked, "in_progress", [])
    item = _output(turn)
    empty: dict[str, Any] = {"arguments": ""} if turn.tool else {"content": []}
    opened = {**item, "status": "in_progress", **empty}
    told: list[dict[str, Any]] = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": opened},
        *(_arguments(item, turn) if turn.tool else _text_events(item, turn)),
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": answer(asked, turn)},
    ]
    numbered = [{"sequence_number": number, **event} for number, event in enumerate(told)]
    return [f"event: {e['type']}\n".encode() + b"data: " + msgspec.json.encode(e) + b"\n\n" for e in numbered]


def _text_events(item: dict[str, Any], turn: Turn) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = item["content"][0]
    return [
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        *(
            {"type": "response.output_text.delta", **place, "delta": word, "logprobs": []}
            for word in turns.words(turn.text)
        ),
        {"type": "response.output_text.done", **place, "text": turn.text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
    ]


def _arguments(item: dict[str, Any], turn: Turn) -> list[dict[str, Any]]:
    place = {"item_id": item["id"], "output_index": 0}
    kind = "response.function_call_arguments"
    deltas = [{"type": f"{kind}.delta", **place, "delta": piece} for piece in turns.thirds(turn.arguments)]
    return [*deltas, {"type": f"{kind}.done", **place, "name": turn.tool, "arguments": turn.arguments}]


def _output(turn: Turn) -> dict[str, Any]:
    if turn.tool is not None:
        named = {"call_id": "call_1", "name": turn.tool, "arguments": turn.arguments}
        return {"type": "function_call", "id": "fc_1", "status": "completed", **named}
    part = {"type": "output_text", "text": turn.text, "annotations": [], "logprobs": []}
    return {"type": "message", "id": "msg_1", "status": "completed", "role": "assistant", "content": [part]}


def _response(asked: Asked, status: str, output: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": _CREATED,
        "status": status,
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "max_output_tokens": None,
        "model": asked.model,
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": True,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _USAGE if status == "completed" else None,
        "user": None,
        "metadata": {},
    }


def _item(item: dict[str, Any]) -> Item:
    """An item; a message may leave its type unsaid."""
    found: Item = msgspec.convert({"type": "message", **item} if "role" in item else item, Item)
    return found


def _check_calls(items: list[Item]) -> None:
    called = {item.call_id for item in items if isinstance(item, _Call)}
    answered = {item.call_id for item in items if isinstance(item, _Output)}
    if answered - called:
        raise Refused(f"No tool call found for function call output with call_id {min(answered - called)}.")
    if called - answered:
        raise Refused(f"No tool output found for function call {min(called - answered)}.")


def _text(content: str | list[_Part]) -> str:
    return content if isinstance(content, str) else " ".join(part.text for part in content)
