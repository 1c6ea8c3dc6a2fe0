"""docs/api.md, made of the document that a gateway publishes of its admin API. Plain functions over that document."""

import re
from typing import Any

_NOTE = "<!-- Made by `scripts/reference` of /admin/api/openapi.json: do not edit it here. -->"
_METHODS = ("get", "post", "put", "delete")
_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "maxItems": "at most {}",
    "pattern": "`{}`",
}
_TITLES = {
    "tenants": "Tenants",
    "providers": "Providers",
    "keys": "Keys",
    "vault": "Vault",
    "jobs": "Jobs",
    "lineage": "Lineage",
    "stock": "Stock",
    "why": "Why records",
    "audit": "Audit",
    "store": "The store",
    "replicas": "Replicas",
}

Json = dict[str, Any]


def page(document: Json) -> str:
    """The page, as it must stand."""
    base = document["servers"][0]["url"]
    operations = [
        (method, path, told[method])
        for path, told in document["paths"].items()
        for method in _METHODS
        if method in told
    ]
    about = document["info"]["description"].strip()
    parts = [f"# The admin API\n\n{_NOTE}\n\n{about}\n"]
    parts.append(
        f"\nPaths are below `{base}`. The same as OpenAPI 3.1, for generated clients, is at `{base}/openapi.json`; it "
        "needs no key.\n"
        "What callers of models meet is on another page: [The data plane](data-plane.md).\n"
    )
    for tag in dict.fromkeys(operation["tags"][0] for _, _, operation in operations):
        parts.append(f"\n## {_TITLES.get(tag, tag.capitalize())}\n")
        parts += [_operation(*one) for one in operations if one[2]["tags"][0] == tag]
    parts += [_errors(operations), "\n## Shapes\n\nOf a body, what is not named in bold may be left out.\n"]
    schemas = document["components"]["schemas"]
    parts += [_shape(name, schema) for name, schema in sorted(schemas.items()) if not name.endswith("List")]
    return "".join(parts)


def _operation(method: str, path: str, operation: Json) -> str:
    lines = [f"\n### `{method.upper()} {path}`\n\n{operation['summary']}. {operation['description']}\n"]
    told = [one for one in operation["parameters"] if one["in"] != "path"]
    if told:
        lines.append("\n| parameter | | |\n|---|---|---|\n")
        lines += [f"| {_parameter(one)} | {_type(one['schema'])} | {_cell(one['description'])} |\n" for one in told]
    if "requestBody" in operation:
        lines.append(f"\nBody: {_content(operation['requestBody']['content'])}\n")
    lines.append(f"\nAnswers: {'; '.join(_answers(operation['responses']))}.\n")
    codes = [f"{status} {', '.join(f'`{code}`' for code in _codes(told))}" for status, told in _refusals(operation)]
    lines.append(f"\nErrors: {' · '.join(codes)}\n")
    return "".join(lines)


def _parameter(parameter: Json) -> str:
    name = f"`{parameter['name']}`"
    words = f"**{name}**" if parameter.get("required") else name
    return f"{words}, a header" if parameter["in"] == "header" else words


def _answers(responses: Json) -> list[str]:
    done = [(status, told) for status, told in responses.items() if status < "400"]
    return [f"{status} {_content(told['content']) if 'content' in told else 'with no body'}" for status, told in done]


def _content(content: Json) -> str:
    others = [f"`{kind}`" for kind in content if kind != "application/json"]
    shape = _type(content["application/json"]["schema"])
    return f"{shape}, or {' or '.join(others)} where `Accept` asks for it" if others else shape


def _refusals(operation: Json) -> list[tuple[str, Json]]:
    return [(status, told) for status, told in operation["responses"].items() if status >= "400"]


def _codes(told: Json) -> dict[str, str]:
    return dict(re.findall(r"^- `(\w+)`: (.*)$", told["description"], re.MULTILINE))


def _errors(operations: list[tuple[str, str, Json]]) -> str:
    """Each error once, by status."""
    found = {
        (status, code): words
        for _, _, operation in operations
        for status, told in _refusals(operation)
        for code, words in _codes(told).items()
    }
    head = (
        "\n## Errors\n\nIn the shape of [Error](#error): a code to rely on, a message to read. The data plane's "
        "own are in\n[What breaks](data-plane.md#when-something-breaks).\n\n| status | code | when |\n|---|---|---|\n"
    )
    return head + "".join(
        f"| {status} | `{code}` | {_cell(words)} |\n" for (status, code), words in sorted(found.items())
    )


def _shape(name: str, schema: Json) -> str:
    lines = [f"\n### {name}\n\n{schema.get('description', '').strip()}\n"]
    if schema.get("properties"):
        needed = set(schema.get("required", ())) if schema.get("additionalProperties") is False else set()
        lines.append("\n| field | type | default |\n|---|---|---|\n")
        for field, kind in schema["properties"].items():
            called = f"**`{field}`**" if field in needed else f"`{field}`"
            lines.append(f"| {called} | {_type(kind)} | {_default(kind)} |\n")
    return "".join(lines)


def _default(schema: Json) -> str:
    default = schema.get("default")
    return "" if default in (None, [], {}) else f"`{str(default).lower() if isinstance(default, bool) else default}`"


def _type(schema: Json) -> str:
    """A schema in a table's cell."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(map(_type, schema["anyOf"])))
    if "enum" in schema:
        return ", ".join(f"`{_cell(str(one))}`" for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_type(schema['items'])}" if "items" in schema else "list"
    if schema.get("type") == "object":
        return f"object of {_type(schema['additionalProperties'])}" if schema.get("additionalProperties") else "object"
    limits = [form.format(_cell(str(schema[name]))) for name, form in _LIMITS.items() if name in schema]
    kind = "time" if schema.get("format") == "date-time" else schema.get("type", "anything")
    return f"{kind} ({', '.join(limits)})" if limits else kind


def _link(name: str) -> str:
    """A page of a list is told by what it lists."""
    if name.endswith("List"):
        return f"a page of [{name.removesuffix('List')}](#{name.removesuffix('List').lower()})"
    return f"[{name}](#{name.lower()})"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
