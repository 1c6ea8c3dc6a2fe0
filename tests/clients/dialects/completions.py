"""OpenAI's older completions: requests read strictly, answers and events as the API has them. Bytes in, values out.

Source: the OpenAI API reference, "Completions".
"""

from typing import Any

import msgspec
from msgspec import Struct

from tests.clients.dialects import turns
from tests.clients.dialects.chat import USAGE, Name, StreamOptions, check_options, framed, head
from tests.clients.dialects.turns import Asked, Refused, Turn

_KIND = "text_completion"


class _Request(Struct, forbid_unknown_fields=True):
    model: Name
    prompt: str
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    temperature: float | None = None
    max_tokens: int | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def read(body: bytes) -> Asked:
    """A request to completions. Raises Refused."""
    try:
        asked = _REQUEST.decode(body)
    except msgspec.MsgspecError as error:
        raise Refused(str(error)) from None
    check_options(asked.stream, asked.stream_options)
    usage = bool(asked.stream_options and asked.stream_options.include_usage)
    return Asked(model=asked.model, said=asked.prompt, stream=bool(asked.stream), usage=usage)


def answer(asked: Asked, turn: Turn) -> dict[str, Any]:
    """A text completion."""
    return {**head(asked, _KIND), "choices": [_choice(turn.text, "stop")], "usage": USAGE}


def events(asked: Asked, turn: Turn) -> list[bytes]:
    """The same as a stream."""
    choices = [_choice(word, None) for word in turns.words(turn.text)] + [_choice("", "stop")]
    return framed(asked, [{**head(asked, _KIND), "choices": [choice]} for choice in choices], _KIND)


def _choice(text: str, finish: str | None) -> dict[str, Any]:
    return {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
