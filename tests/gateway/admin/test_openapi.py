"""The API's document: what it must be, who may have it, and that it and the API cannot differ unnoticed.

Its strictest test is elsewhere: every answer that `tests.support.admin` gets, in any test, is held against it.
"""

import copy
import json
import os
import subprocess
import sys
from typing import Any, Literal

import httpx2
import msgspec
import pytest
from msgspec import Struct
from openapi_spec_validator import OpenAPIV31SpecValidator

from gateway.admin import openapi
from gateway.admin.handling import AdminRoute, Answered, Asked
from gateway.admin.parameters import PAGE, Parameter
from gateway.admin.schemas import ListView
from gateway.errors import TABLE
from policies.access import Action
from tests.support.admin import NO_TLS, Admin, unique
from tests.support.openapi import Document, NotTold
from tests.support.processes import Program

# The contract's table, and what has come to it since.
T = "/tenants/{tenant}"
JOB = f"{T}/jobs/{{job_id}}"
ROUTES = {
    ("get", "/tenants"),
    *((method, T) for method in ("get", "put", "delete")),
    ("get", f"{T}/providers"),
    *((method, f"{T}/providers/{{provider}}") for method in ("put", "delete")),
    ("get", f"{T}/providers/{{provider}}/base-models"),
    *((method, f"{of}/keys") for method in ("get", "post") for of in ("", T)),
    *(("delete", f"{of}/keys/{{key}}") for of in ("", T)),
    *((method, f"{T}/vault") for method in ("get", "put")),
    ("post", f"{T}/vault/test"),
    *((method, f"{T}/jobs") for method in ("get", "post")),
    ("post", f"{T}/jobs/import"),
    ("post", f"{T}/jobs/preview"),
    ("get", JOB),
    *(("get", f"{JOB}/{name}") for name in ("events", "metrics", "examples", "manifest")),
    *(("post", f"{JOB}/{name}") for name in ("refresh", "cancel", "recreate", "activate")),
    ("post", f"{T}/stock"),
    ("get", f"{T}/why"),
    ("get", f"{T}/why/summary"),
    ("get", f"{T}/why/{{call_id}}"),
    ("get", f"{T}/lineage"),
    *(("get", f"{of}/audit") for of in ("", T)),
    ("get", "/replicas"),
    ("post", "/store/accept"),
}
# Rows of the table of errors that are the data plane's alone, or come before a route is found.
NO_ROUTES = {
    *("invalid_model_field", "tenant_required", "tenant_suspended", "endpoint_not_allowed", "upgrade_not_supported"),
    *("malformed_request", "method_not_allowed", "request_timeout", "headers_too_large"),
    *("concurrency_limit_exceeded", "upstream_disconnected", "draining", "not_ready"),
    *("cross_site", "too_many_attempts"),  # the page's
}


@pytest.fixture(scope="module")
def served(gateway: Program) -> httpx2.Response:
    """The document, as anybody gets it."""
    return httpx2.get(f"{gateway.url}/admin/api/openapi.json", verify=NO_TLS)


@pytest.fixture(scope="module")
def published(served: httpx2.Response) -> dict[str, Any]:
    """It, decoded."""
    assert served.status_code == 200
    assert served.headers["content-type"] == "application/json"
    document: dict[str, Any] = served.json()
    return document


def operations(document: dict[str, Any]) -> dict[tuple[str, str], dict[str, Any]]:
    """Every operation by its method and path."""
    return {(method, path): told for path, item in document["paths"].items() for method, told in item.items()}


def test_it_is_openapi_3_1(published: dict[str, Any]) -> None:
    assert published["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(published).iter_errors()) == []


def test_it_has_every_route_of_the_api(published: dict[str, Any]) -> None:
    assert set(operations(published)) == ROUTES


def test_every_operation_says_what_it_does_and_for_whom(published: dict[str, Any]) -> None:
    found = operations(published)
    ids = [told["operationId"] for told in found.values()]
    assert len(set(ids)) == len(ids)
    for where, told in found.items():
        assert told["summary"], where
        platform_alone = "{tenant}" not in where[1] or where == ("delete", T)
        roles = "`platform_admin`" if platform_alone else "`platform_admin` and `tenant_admin`"
        assert told["description"].split("\n\n")[-1] == f"For {roles}.", where
        assert {"401", "403", "503"} <= set(told["responses"]), where


def test_every_error_of_the_admin_api_is_told_somewhere(published: dict[str, Any]) -> None:
    responses = [told for operation in operations(published).values() for told in operation["responses"].items()]
    told = {line.split("`")[1] for status, one in responses if status >= "4" for line in one["description"].split("\n")}
    assert told == {kind.code or name for name, kind in TABLE.items() if name not in NO_ROUTES}


def test_nothing_in_it_is_pythons_own(served: httpx2.Response, published: dict[str, Any]) -> None:
    for word in ("\\\\Z", "None", "True", "the contract", "ListView", "finetune.", "\\n    "):
        assert word not in served.text, word
    reading = json.dumps([told.get("requestBody") for told in operations(published).values()])
    answering = json.dumps([told["responses"] for told in operations(published).values()])
    for name in published["components"]["schemas"]:
        reference = f'"#/components/schemas/{name}"'
        assert not (reference in reading and reference in answering), f"{name} is sent and answered"


def test_it_is_the_same_bytes_at_each_start(served: httpx2.Response) -> None:
    program = (
        "import os, sys\n"
        "import msgspec\n"
        "from gateway import app, settings\n"
        "from gateway.admin import api, openapi\n"
        "from gateway.previewing import Previewer\n"
        "read = settings.read(os.environ)\n"
        "g = app.Gateway(read, {})\n"
        "table = api.table(g.control, g.routes, read, g.keyring, g.guard, g.why, Previewer({}))\n"
        "sys.stdout.buffer.write(msgspec.json.encode(openapi.document(table, app.VERSION)))\n"
    )
    given = {"HOUSESTYLE_REDIS_URL": "redis://127.0.0.1:1", "HOUSESTYLE_ENCRYPTION_KEYS": f"{'A' * 43}="}
    for seed in ("1", "2"):
        environ = {**os.environ, **given, "PYTHONHASHSEED": seed}
        made = subprocess.run([sys.executable, "-c", program], env=environ, capture_output=True, check=True, timeout=60)
        assert made.stdout == served.content


def test_who_has_it_already_is_told_so(gateway: Program, served: httpx2.Response) -> None:
    url, tag = f"{gateway.url}/admin/api/openapi.json", served.headers["etag"]
    assert served.headers["cache-control"] == "no-cache"
    for known in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        again = httpx2.get(url, headers={"if-none-match": known}, verify=NO_TLS)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
    assert httpx2.get(url, headers={"if-none-match": '"other"'}, verify=NO_TLS).content == served.content
    assert httpx2.head(url, verify=NO_TLS).headers["etag"] == tag


# how a row is told


class Told(Struct):
    """An answer. `seen` is null at first."""

    name: str
    kind: Literal["small", "large"] = "small"
    seen: str | None = None


class Sparse(Struct, omit_defaults=True):
    """An answer that leaves things out."""

    name: str
    seen: str | None = None


class Sent(Struct, forbid_unknown_fields=True):
    """A body."""

    title: str = ""


async def make(_: Asked) -> Answered:
    """Makes a thing.

    It may take
    a while.
    """
    return Answered(None)


async def show(_: Asked) -> Answered:
    """Shows things."""
    return Answered(None)


ROWS = [
    AdminRoute("GET", "/things", Action.MANAGE_PLATFORM, show, answer=ListView[Told], parameters=PAGE),
    AdminRoute("POST", "/tenants/{tenant}/things/{key:job}", Action.ACTIVATE, make, Sent, Told, (200, 201)),
    AdminRoute("POST", "/tenants/{tenant}/things", Action.ACTIVATE, show, Sent, Sparse, reads=True),
    AdminRoute(
        "DELETE",
        "/things",
        Action.MANAGE_PLATFORM,
        show,
        statuses=(204,),
        parameters=(Parameter("when", "When.", "date-time", required=True), Parameter("Word", "W.", place="header")),
        errors=("key_not_found",),
    ),
]


@pytest.fixture(scope="module")
def small() -> dict[str, Any]:
    """The document of a small table, as it goes out."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(openapi.document(ROWS, "1.2.3")))
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    assert document["info"]["version"] == "1.2.3"
    return document


def test_a_list_has_its_page_and_no_change(small: dict[str, Any]) -> None:
    told = small["paths"]["/things"]["get"]
    assert told["operationId"] == "get_things"
    limit, cursor = told["parameters"]
    assert limit["schema"] == {"type": "integer", "minimum": 1, "maximum": 500, "default": 50}
    assert (cursor["name"], cursor["in"], cursor["schema"]) == ("cursor", "query", {"type": "string"})
    assert "headers" not in told["responses"]["200"]
    schema = told["responses"]["200"]["content"]["application/json"]["schema"]
    assert schema == {"$ref": "#/components/schemas/ToldList"}
    assert set(told["responses"]) == {"200", "401", "403", "422", "500", "503"}


def test_a_change_has_its_headers_its_body_and_its_errors(small: dict[str, Any]) -> None:
    told = small["paths"]["/tenants/{tenant}/things/{key}"]["post"]
    assert (told["operationId"], told["tags"]) == ("post_tenant_key", ["things"])
    assert (told["summary"], told["description"]) == (
        "Makes a thing",
        "It may take a while.\n\nFor `platform_admin` and `tenant_admin`.",
    )
    assert [(one["name"], one["in"], one["required"]) for one in told["parameters"]] == [
        ("tenant", "path", True),
        ("key", "path", True),
    ]
    assert told["requestBody"]["required"] is False
    for status in ("200", "201"):
        assert set(told["responses"][status]["headers"]) == {"x-revision", "x-replicas", "x-acknowledged"}
    assert "`store_diverged`" in told["responses"]["503"]["description"]
    assert "Retry-After" in told["responses"]["503"]["headers"]
    assert set(told["responses"]) == {"200", "201", "400", "401", "403", "404", "409", "413", "422", "500", "503"}


def test_a_post_that_changes_nothing_is_no_change(small: dict[str, Any]) -> None:
    told = small["paths"]["/tenants/{tenant}/things"]["post"]
    assert "headers" not in told["responses"]["200"]
    assert "409" not in told["responses"]


def test_what_else_a_request_may_say(small: dict[str, Any]) -> None:
    told = small["paths"]["/things"]["delete"]
    when, word = told["parameters"]
    assert (when["schema"], when["required"]) == ({"type": "string", "format": "date-time"}, True)
    assert (word["name"], word["in"], word.get("required")) == ("Word", "header", None)
    assert "content" not in told["responses"]["204"]
    assert told["responses"]["404"]["description"] == "- `key_not_found`: There is no such key."


def test_of_an_answer_every_field_is_there_unless_its_type_leaves_defaults_out(small: dict[str, Any]) -> None:
    schemas = small["components"]["schemas"]
    assert schemas["Told"]["required"] == ["name", "kind", "seen"]
    assert schemas["ToldList"]["required"] == ["items", "next_cursor"]
    assert schemas["Sparse"]["required"] == ["name"]
    assert schemas["Sent"]["required"] == []
    assert schemas["Sent"]["properties"] == {"title": {"type": "string", "default": ""}}
    assert schemas["Told"]["description"] == "An answer. `seen` is null at first."
    assert "title" not in schemas["Told"]


# that the judge of all other tests does judge


def answer(status: int, body: Any, **headers: str) -> httpx2.Response:
    """An answer that nobody gave."""
    made = {"content-type": "application/json", **{name.replace("_", "-"): text for name, text in headers.items()}}
    return httpx2.Response(status, content=b"" if body is None else json.dumps(body).encode(), headers=made)


TOLD = {"name": "a", "kind": "small", "seen": None}
CHANGED = {"x_revision": "1", "x_replicas": "1", "x_acknowledged": "1"}
ONE = ("POST", "/tenants/acme/things/1")


def refusal(code: str) -> dict[str, Any]:
    return {"error": {"message": "No.", "type": "t", "param": None, "code": code}}


@pytest.mark.parametrize(
    ("where", "given"),
    [
        (ONE, answer(200, TOLD, **CHANGED)),
        (ONE, answer(201, TOLD, **CHANGED)),
        (ONE, answer(404, refusal("tenant_not_found"))),
        (("GET", "/things?limit=1"), answer(200, {"items": [TOLD], "next_cursor": None})),
        (("DELETE", "/things"), answer(204, None, **CHANGED)),
        (("GET", "/nowhere"), answer(404, refusal("not_found"))),
    ],
)
def test_an_answer_that_is_told_of_passes(
    small: dict[str, Any], where: tuple[str, str], given: httpx2.Response
) -> None:
    Document(small).check(*where, given)


@pytest.mark.parametrize(
    ("where", "given", "words"),
    [
        (ONE, answer(202, TOLD, **CHANGED), "202"),
        (ONE, answer(200, TOLD), "no header"),
        (ONE, answer(200, {**TOLD, "more": 1}, **CHANGED), "more"),
        (ONE, answer(200, {"name": "a", "kind": "small"}, **CHANGED), "seen"),
        (ONE, answer(200, {**TOLD, "name": 1}, **CHANGED), "name"),
        (ONE, answer(200, {**TOLD, "kind": "huge"}, **CHANGED), "huge"),
        (ONE, answer(200, TOLD, **CHANGED, content_type="text/plain"), "text/plain"),
        (ONE, answer(404, refusal("key_not_found")), "key_not_found"),
        (ONE, answer(404, {"error": "no"}), "error"),
        (("GET", "/things"), answer(200, {"items": [{"name": "a"}], "next_cursor": None}), "items"),
        (("GET", "/things"), answer(200, {"items": []}), "next_cursor"),
        (("DELETE", "/things"), answer(204, {}, **CHANGED), "a body"),
    ],
)
def test_one_that_is_not_told_of_does_not(
    small: dict[str, Any], where: tuple[str, str], given: httpx2.Response, words: str
) -> None:
    with pytest.raises(NotTold, match=words):
        Document(small).check(*where, given)


def test_every_line_of_an_export_is_judged(published: dict[str, Any], admin: Admin) -> None:
    admin.put(f"/tenants/{unique('exported')}", {})
    lines = {"accept": "application/x-ndjson"}
    whole = admin.ask("GET", "/audit", headers=lines)
    assert whole.headers["content-type"].startswith("application/x-ndjson")
    other = copy.deepcopy(published)
    other["components"]["schemas"]["AuditRecord"]["properties"]["revision"] = {"type": "string"}
    with pytest.raises(NotTold, match="revision"):
        Document(other).check("GET", "/audit", whole)


def test_a_parameter_that_the_table_does_not_name_is_none(admin: Admin) -> None:
    name = unique("asked")
    admin.put(f"/tenants/{name}", {})
    assert admin.get(f"/tenants/{name}?erase=true&limit=none")["id"] == name
