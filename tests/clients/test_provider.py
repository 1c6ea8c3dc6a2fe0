"""The scripted provider refuses what the real APIs refuse: a client or gateway that sends such a thing is found out."""

from typing import Any

import msgspec
import pytest

from tests.clients.dialects import chat, completions, embeddings, messages, responses
from tests.clients.dialects.turns import Refused

USER = {"role": "user", "content": "Say it."}
CALL = {"id": "call_1", "type": "function", "function": {"name": "get_weather", "arguments": "{}"}}
CALLED = {"role": "assistant", "content": None, "tool_calls": [CALL]}
RESULT = {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}
OPEN = {"type": "object", "properties": {"city": {"type": "string"}}}
STRICT = {**OPEN, "required": ["city"], "additionalProperties": False}
CHAT: dict[str, Any] = {"model": "m", "messages": [USER]}
RESPONSE: dict[str, Any] = {"model": "m", "input": "Say it."}
MESSAGE: dict[str, Any] = {"model": "m", "max_tokens": 9, "messages": [USER]}
USED = {"role": "assistant", "content": [{"type": "tool_use", "id": "t1", "name": "get_weather", "input": {}}]}
ANSWERED = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t1", "content": "sunny"}]}


def tool(**more: Any) -> dict[str, Any]:
    """A tool of chat's."""
    return {"type": "function", "function": {"name": "get_weather", "parameters": OPEN, **more}}


def schema(**more: Any) -> dict[str, Any]:
    """Chat's wish for an answer of a shape."""
    return {"type": "json_schema", "json_schema": {"name": "person", "schema": OPEN, **more}}


TAKEN = [
    (chat, CHAT),
    (chat, {**CHAT, "stream": True, "stream_options": {"include_usage": True}}),
    (chat, {**CHAT, "messages": [USER, CALLED, RESULT]}),
    (chat, {**CHAT, "tools": [tool(parameters=STRICT, strict=True)], "tool_choice": "required"}),
    (chat, {**CHAT, "response_format": schema(schema=STRICT, strict=True)}),
    (completions, {"model": "m", "prompt": "Say it."}),
    (embeddings, {"model": "m", "input": ["Say it."]}),
    (embeddings, {"model": "m", "input": [1, 2, 3]}),
    (responses, RESPONSE),
    (responses, {**RESPONSE, "input": [USER]}),
    (messages, MESSAGE),
    (messages, {**MESSAGE, "messages": [USER, USED, ANSWERED]}),
]
REFUSED = [
    (chat, {"messages": [USER]}, "model"),
    (chat, {**CHAT, "model": ""}, "model"),
    (chat, {**CHAT, "model": None}, "model"),
    (chat, {**CHAT, "messages": []}, "messages"),
    (chat, {**CHAT, "messages": [{"role": "clerk", "content": "Hm."}]}, "clerk"),
    (chat, {**CHAT, "messages": [{"role": "user"}]}, "content"),
    (chat, {**CHAT, "stream": "yes"}, "bool"),
    (chat, {**CHAT, "stream_options": {"include_usage": True}}, "stream_options"),
    (chat, {**CHAT, "stream": True, "stream_options": {"usage": True}}, "usage"),
    (chat, {**CHAT, "x-provider": "main"}, "x-provider"),
    (chat, {**CHAT, "temperature": 3}, "temperature"),
    (chat, {**CHAT, "messages": [USER, RESULT]}, "preceding"),
    (chat, {**CHAT, "messages": [USER, CALLED]}, "did not have response"),
    (chat, {**CHAT, "messages": [USER, CALLED, USER]}, "did not have response"),
    (chat, {**CHAT, "messages": [USER, CALLED, RESULT, RESULT]}, "preceding"),
    (chat, {**CHAT, "messages": [USER, {"role": "assistant"}, USER]}, "content"),
    (chat, {**CHAT, "tools": []}, "tools"),
    (chat, {**CHAT, "tool_choice": "auto"}, "tool_choice"),
    (chat, {**CHAT, "tools": [tool(parameters={"type": "string"})]}, "object"),
    (chat, {**CHAT, "tools": [tool(strict=True)]}, "additionalProperties"),
    (chat, {**CHAT, "tools": [tool()], "tool_choice": {"type": "function", "function": {"name": "x"}}}, "not found"),
    (chat, {**CHAT, "response_format": {"type": "json_schema"}}, "json_schema"),
    (chat, {**CHAT, "response_format": schema(schema={**STRICT, "required": []}, strict=True)}, "required"),
    (completions, {"model": "m"}, "prompt"),
    (embeddings, {"model": "m", "input": []}, "input"),
    (embeddings, {"model": "m", "input": "", "encoding_format": "float"}, "input"),
    (embeddings, {"model": "m", "input": "x", "encoding_format": "hex"}, "hex"),
    (responses, {"model": "m"}, "input"),
    (responses, {**RESPONSE, "messages": [USER]}, "messages"),
    (responses, {**RESPONSE, "input": [{"role": "tool", "content": "x"}]}, "tool"),
    (
        responses,
        {**RESPONSE, "input": [{"type": "function_call_output", "call_id": "c", "output": "x"}]},
        "No tool call",
    ),
    (
        responses,
        {**RESPONSE, "input": [{"type": "function_call", "call_id": "c", "name": "x", "arguments": ""}]},
        "No tool",
    ),
    (responses, {**RESPONSE, "text": {"format": {"type": "json_schema", "name": "p"}}}, "schema"),
    (messages, {"model": "m", "messages": [USER]}, "max_tokens"),
    (messages, {**MESSAGE, "messages": [{"role": "system", "content": "x"}]}, "system"),
    (messages, {**MESSAGE, "messages": [{"role": "assistant", "content": "x"}]}, "first"),
    (messages, {**MESSAGE, "messages": [USER, ANSWERED]}, "tool_result"),
    (messages, {**MESSAGE, "messages": [USER, USED]}, "tool_use"),
    (messages, {**MESSAGE, "messages": [USER, USED, USER]}, "tool_use"),
    (messages, {**MESSAGE, "messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "length"),
    (messages, {**MESSAGE, "tool_choice": {"type": "tool", "name": "x"}}, "tool_choice"),
    (messages, {**MESSAGE, "stream_options": {}}, "stream_options"),
    (messages, {**MESSAGE, "temperature": 1.5}, "temperature"),
]


@pytest.mark.parametrize(("api", "body"), TAKEN)
def test_what_is_right_is_taken(api: Any, body: dict[str, Any]) -> None:
    assert api.read(msgspec.json.encode(body)).model == "m"


@pytest.mark.parametrize(("api", "body", "words"), REFUSED)
def test_what_is_wrong_is_refused(api: Any, body: dict[str, Any], words: str) -> None:
    with pytest.raises(Refused, match=words):
        api.read(msgspec.json.encode(body))


@pytest.mark.parametrize("api", [chat, completions, embeddings, responses, messages])
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b'"x"', b"\xff"])
def test_what_is_no_object_is_refused(api: Any, body: bytes) -> None:
    with pytest.raises(Refused):
        api.read(body)
