"""The admin API's document, OpenAPI 3.1, made of the API's table alone; and the page that it is served on.

Nothing is written here that a row of the table could say. It holds no secret and is for anybody.
"""

import hashlib
import re
from collections.abc import Sequence
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from gateway.admin.component_schemas import Schema, schemas, unwrapped
from gateway.admin.handling import AdminRoute
from gateway.admin.parameters import DEFAULT_LIMIT, LIMIT, MAX_LIMIT, Parameter
from gateway.errors import TABLE
from policies.access import MAY

_PLACEHOLDER = re.compile(r"\{(\w+)(?::\w+)?\}")
_JSON = "application/json"

_ABOUT = """\
Tenants, their providers, keys and Vaults, fine-tune jobs, which model answers, and why it did.

Every request carries an admin's key. A body is JSON; a field that is not known is refused. Times are RFC 3339 in UTC. A
list is answered in pages: `next_cursor` is null on the last one.

A change is one atomic write with its audit record. It is answered once every live replica has applied it, or after two
seconds; the headers `x-replicas` and `x-acknowledged` say how far it had come. While the store is away, nothing is
changed and the answer is 503.

Besides the errors that are listed with each operation, a request may be answered 400 `malformed_request`, 404
`not_found`, 405 `method_not_allowed`, 408 `request_timeout` or 431 `headers_too_large` before it is known what it asks.
"""

_SECURITY: dict[str, Schema] = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "An admin's key."},
    "x-api-key": {"type": "apiKey", "in": "header", "name": "x-api-key", "description": "The same key."},
    "api-key": {"type": "apiKey", "in": "header", "name": "api-key", "description": "The same key."},
}
_HEADERS = {
    "x-revision": "The revision that the change made, or that stands where there was nothing to change.",
    "x-replicas": "How many replicas were live.",
    "x-acknowledged": "How many of them had applied the change when this was answered.",
}
_PATH: dict[str, tuple[str, Schema]] = {
    "tenant": ("The tenant's name.", {"type": "string", "pattern": "^[a-z0-9][a-z0-9-]{0,62}$"}),
    "provider": ("The provider's name.", {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,63}$"}),
    "key": ("The key's id.", {"type": "string"}),
    "job_id": ("The job's id.", {"type": "string"}),
    "call_id": ("The call's id, as its answer's header `x-call-id` said.", {"type": "string"}),
}
_DONE = {200: "Done.", 201: "Made.", 204: "Done; there is nothing to answer."}
_ERROR: Schema = {
    "type": "object",
    "description": "Why a request was refused. `param` names the field that is meant, where it is one.",
    "properties": {
        "error": {
            "type": "object",
            "properties": {
                "message": {"type": "string"},
                "type": {"type": "string"},
                "param": {"type": ["string", "null"]},
                "code": {"type": "string"},
            },
            "required": ["message", "type", "param", "code"],
        }
    },
    "required": ["error"],
}


def document(table: Sequence[AdminRoute], version: str) -> dict[str, Any]:
    """The document, the same for the same table."""
    answering = [row for row in table if row.answer is not None]
    reading = [row for row in table if row.body is not None]
    made = schemas([row.answer for row in answering], [row.body for row in reading if row.body is not None])
    answers = {id(row): schema for row, schema in zip(answering, made.answers, strict=True)}
    bodies = {id(row): schema for row, schema in zip(reading, made.bodies, strict=True)}
    paths: dict[str, dict[str, Any]] = {}
    for row in table:
        operation = _operation(row, answers.get(id(row)))
        if row.body is not None:
            operation["requestBody"] = _request(bodies[id(row)], made.components)
        paths.setdefault(_template(row), {})[row.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Housestyle admin API",
            "version": version,
            "description": unwrapped(_ABOUT),
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/admin/api"}],
        "security": [{name: []} for name in _SECURITY],
        "paths": paths,
        "components": {
            "schemas": {**made.components, "Error": _ERROR},
            "headers": {
                name: {"description": words, "required": True, "schema": {"type": "integer"}}
                for name, words in _HEADERS.items()
            },
            "securitySchemes": _SECURITY,
        },
    }


def page(described: dict[str, Any]) -> Route:
    """The document's route. A client that has it already is told so (RFC 9110 section 13.1.2)."""
    body = msgspec.json.encode(described)
    tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}  # kept, and asked about each time: an upgrade may change it

    async def answer(request: Request) -> Response:
        known = request.headers.get("if-none-match", "")
        if tag in known or known.strip() == "*":
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=_JSON, headers=headers)

    return Route("/admin/api/openapi.json", answer)


def _operation(row: AdminRoute, answer: Schema | None) -> dict[str, Any]:
    words = unwrapped(row.operation.__doc__ or "")
    summary, _, more = words.partition("\n\n")
    roles = sorted(role for role in MAY if row.action in MAY[role])
    may = "For " + " and ".join(f"`{role}`" for role in roles) + "."
    return {
        "operationId": _id(row),
        "tags": [_tag(row)],
        "summary": summary.removesuffix("."),
        "description": f"{more}\n\n{may}".strip(),
        "parameters": [*map(_path_parameter, _PLACEHOLDER.findall(row.path)), *map(_parameter, row.parameters)],
        "responses": {**_answers(row, answer), **_errors(row)},
    }


def _answers(row: AdminRoute, answer: Schema | None) -> dict[str, Any]:
    told: dict[str, Any] = {}
    if row.is_change:
        told["headers"] = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}
    if answer is not None:
        lines = {"type": "string", "description": "All of the list from `cursor` on, one of its items a line."}
        told["content"] = {_JSON: {"schema": answer}} | {kind: {"schema": lines} for kind in row.exports}
    return {str(status): {"description": _DONE[status], **told} for status in row.statuses}


def _errors(row: AdminRoute) -> dict[str, Any]:
    by_status: dict[int, list[str]] = {}
    for name in sorted(row.all_errors):
        by_status.setdefault(TABLE[name].status, []).append(name)
    return {str(status): _error(names) for status, names in sorted(by_status.items())}


def _error(names: list[str]) -> dict[str, Any]:
    codes = {TABLE[name].code or name: TABLE[name].message for name in names}
    of_code = {"properties": {"error": {"properties": {"code": {"enum": list(codes)}}}}}
    told: dict[str, Any] = {
        "description": "\n".join(f"- `{code}`: {message}" for code, message in codes.items()),
        "content": {_JSON: {"schema": {"allOf": [{"$ref": "#/components/schemas/Error"}, of_code]}}},
    }
    if any(TABLE[name].retry_after is not None for name in names):
        told["headers"] = {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}}
    return told


def _request(schema: Schema, components: dict[str, Schema]) -> dict[str, Any]:
    """A body that needs no field may be left out: it is `{}` then."""
    needed = components[schema["$ref"].rpartition("/")[2]].get("required")
    return {"required": bool(needed), "content": {_JSON: {"schema": schema}}}


def _path_parameter(name: str) -> dict[str, Any]:
    words, schema = _PATH[name]
    return {"name": name, "in": "path", "required": True, "description": words, "schema": schema}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    schema: Schema = {"type": parameter.kind}
    if parameter.kind == "date-time":
        schema = {"type": "string", "format": "date-time"}
    elif parameter == LIMIT:
        schema |= {"minimum": 1, "maximum": MAX_LIMIT, "default": DEFAULT_LIMIT}
    told = {"name": parameter.name, "in": parameter.place, "description": parameter.words, "schema": schema}
    return {**told, "required": True} if parameter.required else told


def _template(row: AdminRoute) -> str:
    return _PLACEHOLDER.sub(r"{\1}", row.path)


def _id(row: AdminRoute) -> str:
    """A name for generated clients: what a placeholder names takes the place of the word before it, as in
    `put_tenant_provider`."""
    words: list[str] = []
    for part in row.path.strip("/").split("/"):
        named = _PLACEHOLDER.fullmatch(part)
        if named:
            words[-1] = named[1].removesuffix("_id")
        else:
            words.append(part.replace("-", "_"))
    return "_".join([row.method.lower(), *words])


def _tag(row: AdminRoute) -> str:
    """What a route is about: the first word of its path, below the tenant where there is more."""
    parts = row.path.strip("/").split("/")
    return parts[2] if len(parts) > 2 and parts[0] == "tenants" else parts[0]
