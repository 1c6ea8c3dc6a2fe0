"""The API's types as JSON Schema: the components of its OpenAPI document. Types in, dictionaries out; no routes."""

import inspect
import re
from collections.abc import Iterator, Sequence
from typing import Any, get_origin

import msgspec
import msgspec.inspect
from msgspec import Struct

_AT = "#/components/schemas/"
_LIST = re.compile(r"ListView_(.+)_")

Schema = dict[str, Any]


class Schemas(Struct, frozen=True):
    """The schema of each answer and of each body, in the order of the types, and the components that they refer to."""

    answers: list[Schema]
    bodies: list[Schema]
    components: dict[str, Schema]


def schemas(answers: Sequence[Any], bodies: Sequence[type[Struct]]) -> Schemas:
    """JSON Schema 2020-12 of these types.

    Of an answer every field is required, but for types that leave their defaults out: it is always there.
    """
    found, named = msgspec.json.schema_components([*answers, *bodies], ref_template=_AT + "{name}")
    plain: list[Schema] = [_cleaned(schema) for schema in found]
    components: dict[str, Schema] = {_shown(name): _cleaned(schema) for name, schema in named.items()}
    told, asked = plain[: len(answers)], plain[len(answers) :]
    for name in sorted(_reached(told, components) - _sparse(answers)):
        schema = components[name]
        if "properties" in schema:
            schema["required"] = list(schema["properties"])
    return Schemas(told, asked, dict(sorted(components.items())))


def _cleaned(node: Any) -> Any:
    """The same without what is Python's own: class names, indented docstrings, the end of a text as `re` has it."""
    if isinstance(node, dict):
        return {key: _cleaned_value(key, value) for key, value in node.items() if key != "title" or _is_schema(value)}
    if isinstance(node, list | tuple):
        return [_cleaned(one) for one in node]
    return node


def _cleaned_value(key: str, value: Any) -> Any:
    if isinstance(value, str):
        if key == "$ref":
            return _AT + _shown(value.removeprefix(_AT))
        if key == "pattern":
            return value.replace(r"\Z", "$")
        if key == "description":
            return unwrapped(value)
    return _cleaned(value)


def _is_schema(value: Any) -> bool:
    """A property may be called `title`."""
    return isinstance(value, dict)


def unwrapped(docstring: str) -> str:
    """A docstring's paragraphs, each in one line."""
    paragraphs = inspect.cleandoc(docstring).split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _shown(name: str) -> str:
    """A type's name for outsiders: `TenantView` is a Tenant, `ListView[TenantView]` a TenantList."""
    listed = _LIST.fullmatch(name)
    return f"{_shown(listed[1])}List" if listed else name.removesuffix("View")


def _reached(roots: Any, components: dict[str, Schema]) -> set[str]:
    """The names of all components that `roots` lead to."""
    found: set[str] = set()
    waiting = list(_references(roots))
    while waiting:
        name = waiting.pop()
        if name not in found:
            found.add(name)
            waiting += _references(components[name])
    return found


def _references(node: Any) -> Iterator[str]:
    if isinstance(node, dict):
        for key, value in node.items():
            if key == "$ref" and isinstance(value, str):
                yield value.removeprefix(_AT)
            else:
                yield from _references(value)
    elif isinstance(node, list):
        for one in node:
            yield from _references(one)


def _sparse(types: Sequence[Any]) -> set[str]:
    """The names of the Structs in `types` that leave out a field that has its default value."""
    found: set[str] = set()
    seen: set[int] = set()
    waiting: list[Any] = list(msgspec.inspect.multi_type_info(types))
    while waiting:
        one = waiting.pop()
        if id(one) in seen:
            continue
        seen.add(id(one))
        if isinstance(one, msgspec.inspect.StructType):
            made = get_origin(one.cls) or one.cls
            if made.__struct_config__.omit_defaults:
                found.add(_shown(made.__name__))
        waiting += _inside(one)
    return found


def _inside(described: Any) -> list[Any]:
    """What a described type holds."""
    if isinstance(described, msgspec.inspect.StructType):
        return [field.type for field in described.fields]
    held = [getattr(described, name, None) for name in ("item_type", "key_type", "value_type", "type")]
    many = (*getattr(described, "types", ()), *getattr(described, "item_types", ()))
    return [one for one in (*held, *many) if isinstance(one, msgspec.inspect.Type)]
