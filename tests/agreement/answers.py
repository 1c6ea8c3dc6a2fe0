"""What the provider says, by route: whole, or event by event, and what is known of the answer after each part. Marked
with the call's number, so that no two answers are alike."""

from typing import Any

import msgspec

from tests.agreement.values import Told, changed

TEXT = "an-answer-that-is-nobodys-business"


def whole(path: str, model: str, number: int) -> tuple[bytes, Told]:
    """An answer that is no stream."""
    told = _told(path, model, number)
    return msgspec.json.encode(_BODIES[path](told)), told


def events(path: str, model: str, number: int, *, usage: bool) -> list[tuple[bytes, Told]]:
    """A stream's events, each with what is told once it has been sent. `usage`: it was asked for."""
    return _EVENTS[path](_told(path, model, number), usage)


def failure(status: int) -> bytes:
    """An error as the API gives it."""
    code = {404: "model_not_found", 429: "rate_limit_exceeded"}.get(status, "server_error")
    return msgspec.json.encode({"error": {"message": TEXT, "type": "server_error", "param": None, "code": code}})


def _told(path: str, model: str, number: int) -> Told:
    """All that the answer to this call will have said."""
    if path == "embeddings":
        return Told(model=f"{model}-served", input_tokens=1000 + number)
    anthropic = path == "messages"
    return Told(
        model=f"{model}-served",
        response_id=f"{path.partition('/')[0]}-{number}",
        finish_reasons=("end_turn",) if anthropic else ("stop",),
        input_tokens=1000 + number,
        output_tokens=10 + number,
        cached_tokens=number % 7,
        reasoning_tokens=None if anthropic or path == "completions" else number % 5,
    )


def _openai_usage(told: Told) -> dict[str, Any]:
    usage: dict[str, Any] = {"prompt_tokens": told.input_tokens, "completion_tokens": told.output_tokens}
    usage["prompt_tokens_details"] = {"cached_tokens": told.cached_tokens}
    if told.reasoning_tokens is not None:
        usage["completion_tokens_details"] = {"reasoning_tokens": told.reasoning_tokens}
    return usage


def _chat(told: Told) -> dict[str, Any]:
    choice = {"index": 0, "message": {"role": "assistant", "content": TEXT}, "finish_reason": "stop"}
    return {"id": told.response_id, "model": told.model, "choices": [choice], "usage": _openai_usage(told)}


def _completion(told: Told) -> dict[str, Any]:
    choice = {"index": 0, "text": TEXT, "finish_reason": "stop"}
    return {"id": told.response_id, "model": told.model, "choices": [choice], "usage": _openai_usage(told)}


def _embeddings(told: Told) -> dict[str, Any]:
    data = [{"object": "embedding", "index": 0, "embedding": [0.5]}]
    usage = {"prompt_tokens": told.input_tokens, "total_tokens": told.input_tokens}
    return {"object": "list", "data": data, "model": told.model, "usage": usage}


def _response(told: Told) -> dict[str, Any]:
    usage = {
        "input_tokens": told.input_tokens,
        "output_tokens": told.output_tokens,
        "input_tokens_details": {"cached_tokens": told.cached_tokens},
        "output_tokens_details": {"reasoning_tokens": told.reasoning_tokens},
    }
    output = [{"type": "message", "content": [{"type": "output_text", "text": TEXT}]}]
    return {"id": told.response_id, "model": told.model, "status": "completed", "output": output, "usage": usage}


def _anthropic_usage(told: Told, output: int | None) -> dict[str, Any]:
    read = told.cached_tokens or 0
    fresh = (told.input_tokens or 0) - read  # the API counts what came from the cache beside it
    return {"input_tokens": fresh, "cache_read_input_tokens": read, "output_tokens": output}


def _message(told: Told) -> dict[str, Any]:
    content = [{"type": "text", "text": TEXT}]
    usage = _anthropic_usage(told, told.output_tokens)
    return {"id": told.response_id, "model": told.model, "stop_reason": "end_turn", "content": content, "usage": usage}


def _data(event: object) -> bytes:
    return b"data: " + msgspec.json.encode(event) + b"\n\n"


def _begun(told: Told) -> Told:
    return Told(model=told.model, response_id=told.response_id)


def _choices_events(told: Told, usage: bool, choice: dict[str, Any]) -> list[tuple[bytes, Told]]:
    head = {"id": told.response_id, "model": told.model}
    begun = _begun(told)
    stopped = changed(begun, finish_reasons=told.finish_reasons)
    said = _data({**head, "choices": [{"index": 0, **choice, "finish_reason": None}]})
    found = [(said, begun), (said, begun)]
    found.append((_data({**head, "choices": [{"index": 0, "finish_reason": "stop"}]}), stopped))
    if usage:
        found.append((_data({**head, "choices": [], "usage": _openai_usage(told)}), told))
    return [*found, (b"data: [DONE]\n\n", told if usage else stopped)]


def _chat_events(told: Told, usage: bool) -> list[tuple[bytes, Told]]:
    return _choices_events(told, usage, {"delta": {"content": TEXT}})


def _completion_events(told: Told, usage: bool) -> list[tuple[bytes, Told]]:
    return _choices_events(told, usage, {"text": TEXT})


def _response_events(told: Told, _: bool) -> list[tuple[bytes, Told]]:
    begun = _begun(told)
    created: dict[str, Any] = {"id": told.response_id, "model": told.model, "status": "in_progress", "output": []}
    said = _data({"type": "response.output_text.delta", "delta": TEXT})
    return [
        (_data({"type": "response.created", "response": created}), begun),
        (said, begun),
        (said, begun),
        (_data({"type": "response.completed", "response": _response(told)}), told),
    ]


def _message_events(told: Told, _: bool) -> list[tuple[bytes, Told]]:
    start = {**_message(told), "stop_reason": None, "usage": _anthropic_usage(told, 1)}
    begun = changed(told, finish_reasons=(), output_tokens=1)
    said = _data({"type": "content_block_delta", "delta": {"type": "text_delta", "text": TEXT}})
    delta = {"delta": {"stop_reason": "end_turn"}, "usage": {"output_tokens": told.output_tokens}}
    return [
        (_data({"type": "message_start", "message": start}), begun),
        (said, begun),
        (said, begun),
        (_data({"type": "message_delta", **delta}), told),
        (_data({"type": "message_stop"}), told),
    ]


_BODIES = {
    "chat/completions": _chat,
    "completions": _completion,
    "responses": _response,
    "messages": _message,
    "embeddings": _embeddings,
}
_EVENTS = {
    "chat/completions": _chat_events,
    "completions": _completion_events,
    "responses": _response_events,
    "messages": _message_events,
}
