"""Forms whose fields follow from a table: what a field is, a form as the API's body, an error at its field. Pure.

A field's name is its path in the API's body (`options.region`), so that whatever the API says of it finds it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from gateway.errors import GatewayError

NONE = "–"  # what stands in a field that is to be null


class Field(Struct, frozen=True):
    """`folded`: rarely needed, so it is shown when one asks for it."""

    name: str
    label: str
    help: str = ""
    kind: Literal["text", "number", "secret", "long_secret", "long", "yes", "list"] = "text"
    required: bool = False
    placeholder: str = ""
    folded: bool = False

    @property
    def is_secret(self) -> bool:
        """Whether what was sent before is never shown."""
        return self.kind in ("secret", "long_secret")

    @property
    def id(self) -> str:
        """Its id in the page."""
        return self.name.replace(".", "-")


class Problem(Struct, frozen=True):
    """What the API said, at a field's name; "" where it names none of the form's."""

    at: str
    text: str


def problem(error: GatewayError, fields: Sequence[Field]) -> Problem:
    """The error, at its field where there is one."""
    return Problem(error.param if error.param in {one.name for one in fields} else "", _plain(error, fields))


def _plain(error: GatewayError, fields: Sequence[Field]) -> str:
    """The error's words, with the field as the form calls it."""
    words = error.message
    for one in fields:
        if error.param == one.name:
            words = words.replace(f"The field `{one.name}`", "This field").removeprefix(f"`{one.name}`: ")
            words = words.removeprefix(f"{one.name}: ").removeprefix(f"`{one.name}` ")
    return words[:1].upper() + words[1:]


def body(fields: Sequence[Field], form: Mapping[str, str]) -> dict[str, Any]:
    """The form as the API's body. What is empty is left out; a box that is not ticked is false."""
    made: dict[str, Any] = {}
    for one in fields:
        text = form.get(one.name, "").strip()
        if one.kind == "yes":
            put(made, one.name, one.name in form)
        elif text == NONE:
            put(made, one.name, None)
        elif text:
            put(made, one.name, _value(one, text))
    return made


def put(made: dict[str, Any], path: str, value: Any) -> None:
    """Sets what the path leads to."""
    *way, last = path.split(".")
    for name in way:
        made = made.setdefault(name, {})
    made[last] = value


def shown(fields: Sequence[Field], stored: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the fields at first, of a body as the API answers it. A box is "on" or ""; of secrets nothing."""
    return {one.name: "" if one.is_secret else _text(one, _at(stored, one.name)) for one in fields}


def filled(fields: Sequence[Field], form: Mapping[str, str]) -> dict[str, str]:
    """What stands in the fields when a form comes back; no secret comes back."""
    return {one.name: "" if one.is_secret else form.get(one.name, "") for one in fields}


def _at(stored: Any, path: str) -> Any:
    """What the path leads to; `...` where it leads nowhere."""
    for name in path.split("."):
        if not isinstance(stored, Mapping) or name not in stored:
            return ...
        stored = stored[name]
    return stored


def _text(field: Field, value: Any) -> str:
    if value is ...:
        return ""
    if field.kind == "yes":
        return "on" if value else ""
    if value is None:
        return NONE
    if field.kind == "list":
        return ", ".join(dict.fromkeys(_word(one) for one in value))
    return str(value)


def _word(value: Any) -> str:
    return ("true" if value else "false") if isinstance(value, bool) else str(value)


def _value(field: Field, text: str) -> Any:
    if field.kind == "number":
        return int(text) if text.isascii() and text.isdigit() else text  # the API says what is wrong with a text
    if field.kind == "list":
        return [value for part in text.split(",") if part.strip() for value in _values(part.strip())]
    return text


def _values(word: str) -> list[Any]:
    """A word, and where it reads as a number or a boolean that too: which of them the records have is not told."""
    if word in ("true", "false"):
        return [word, word == "true"]
    return [word, int(word)] if word.isascii() and word.isdigit() and len(word) < 16 else [word]
