"""What the scripted provider says next, whichever API it is asked by: plain values and decisions, no JSON of any API.

Each dialect beside this reads its own requests into an Asked and writes a Turn as its own API would.
"""

import re
from typing import Any

from msgspec import Struct

WHEREAS = "Whereas the parties agree."
SUNNY = "It is sunny in Paris."
ADA = '{"name":"Ada","year":1843}'
PARIS = '{"city":"Paris"}'

_FAILS = re.compile(r"Fail with (\d{3})\.")


class Refused(Exception):
    """The API would refuse this request with 400."""


class Asked(Struct, frozen=True):
    """A request as far as it matters here. `tools`: each tool's name with the names of its parameters; `tool`: the one
    that is to be called whatever is said; `answered`: the last word is a tool's; `shaped`: a JSON schema is asked for.
    """

    model: str
    said: str
    stream: bool = False
    usage: bool = False
    tools: dict[str, tuple[str, ...]] = {}
    tool: str | None = None
    answered: bool = False
    shaped: bool = False


class Turn(Struct, frozen=True):
    """A text, or the call of a tool with its arguments in JSON."""

    text: str = ""
    tool: str | None = None
    arguments: str = ""


def following(asked: Asked) -> Turn:
    """What the model says now."""
    if asked.tool is not None or (asked.tools and not asked.answered):
        name = asked.tool or next(iter(asked.tools))
        return Turn(tool=name, arguments=ADA if "year" in asked.tools[name] else PARIS)
    if asked.shaped:
        return Turn(text=ADA)
    return Turn(text=SUNNY if asked.answered else WHEREAS)


def fails_with(said: str) -> int | None:
    """The status that the last user text orders."""
    found = _FAILS.search(said)
    return int(found[1]) if found else None


def words(text: str) -> list[str]:
    """The pieces of a text as it is streamed."""
    return re.findall(r"\s*\S+", text)


def thirds(text: str) -> list[str]:
    """Three pieces of a tool's arguments as they are streamed."""
    size = len(text) // 3 + 1
    return [text[:size], text[size : 2 * size], text[2 * size :]]


def parameters(schema: dict[str, Any]) -> tuple[str, ...]:
    """The names of a JSON schema's properties. Raises Refused for one that is not an object's."""
    if schema.get("type") != "object":
        raise Refused("Invalid schema for a function: its type must be 'object'.")
    return tuple(schema.get("properties", {}))


def check_strict(schema: dict[str, Any], strict: bool | None) -> None:
    """Raises Refused for what `strict` does not allow (OpenAI's guide "Structured outputs", supported schemas)."""
    if not strict:
        return
    if schema.get("additionalProperties") is not False:
        raise Refused("'additionalProperties' is required to be supplied and to be false.")
    if set(schema.get("required", ())) != set(schema.get("properties", ())):
        raise Refused("'required' is required to be supplied and to include every key in properties.")
