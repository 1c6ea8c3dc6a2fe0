"""OpenAI's embeddings: requests read strictly, answers as the API has them. Bytes in, values out; no I/O.

Source: the OpenAI API reference, "Embeddings".
"""

import base64
import struct
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from tests.clients.dialects.turns import Asked, Refused, Turn

VECTOR = (0.25, -0.5, 1.0)  # exact in 32 bits
_Text = Annotated[str, Meta(min_length=1)]


class _Request(Struct, forbid_unknown_fields=True):
    model: _Text
    input: _Text | Annotated[list[str | int | list[int]], Meta(min_length=1)]
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = None
    user: str | None = None


_REQUEST = msgspec.json.Decoder(_Request)


def read(body: bytes) -> Asked:
    """A request to embeddings; `said` is how the vectors are wanted and how many. Raises Refused."""
    try:
        asked = _REQUEST.decode(body)
    except msgspec.MsgspecError as error:
        raise Refused(str(error)) from None
    many = isinstance(asked.input, list) and not isinstance(asked.input[0], int)
    return Asked(model=asked.model, said=f"{asked.encoding_format} {len(asked.input) if many else 1}")


def answer(asked: Asked, _turn: Turn) -> dict[str, Any]:
    """The vectors, each the same."""
    encoding, number = asked.said.split()
    packed = base64.b64encode(struct.pack("<3f", *VECTOR)).decode()
    vector = packed if encoding == "base64" else list(VECTOR)
    data = [{"object": "embedding", "index": index, "embedding": vector} for index in range(int(number))]
    return {"object": "list", "data": data, "model": asked.model, "usage": {"prompt_tokens": 2, "total_tokens": 2}}
