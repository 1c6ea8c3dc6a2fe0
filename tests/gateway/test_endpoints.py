"""The data plane's routes: what the table has is served, and nothing finds its way around it."""

from urllib.parse import quote, unquote

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from gateway import endpoints, errors
from gateway.endpoints import Target, allows, find, is_anthropic, is_data_plane, purpose_is_allowed
from gateway.errors import GatewayError

ROUTES = {endpoint.path: endpoint for endpoint in endpoints.TABLE}
CHAT, MODELS, MODEL = ROUTES["chat/completions"], ROUTES["models"], ROUTES["models/"]
REWRITTEN = {"chat/completions", "responses", "completions", "messages"}


def refused(method: str, path: str, allowed: tuple[str, ...] = ()) -> str:
    with pytest.raises(GatewayError) as error:
        find(method, path, allowed)
    return error.value.code


@pytest.mark.parametrize("prefix", ["/v1/", "/"])
@pytest.mark.parametrize(
    ("method", "path", "target"),
    [
        ("POST", "chat/completions", Target(CHAT, "chat/completions")),
        ("GET", "models", Target(MODELS, "models")),
        ("GET", "models/gpt-4o", Target(MODEL, "models/gpt-4o", "gpt-4o")),
        ("GET", "models/ft:gpt-4o:smith::1", Target(MODEL, "models/ft:gpt-4o:smith::1", "ft:gpt-4o:smith::1")),
        ("GET", "models/ft%3Agpt-4o", Target(MODEL, "models/ft:gpt-4o", "ft:gpt-4o")),
        ("GET", "models/meta/llama@1", Target(MODEL, "models/meta/llama@1", "meta/llama@1")),
        ("GET", "models/meta%2Fllama", Target(MODEL, "models/meta/llama", "meta/llama")),
        ("GET", "models/a+b%20c", Target(MODEL, "models/a+b%20c", "a+b c")),
        ("GET", "models/%C3%A9", Target(MODEL, "models/%C3%A9", "é")),
        ("GET", "models/...", Target(MODEL, "models/...", "...")),
        ("GET", "models/a..b", Target(MODEL, "models/a..b", "a..b")),
        ("POST", "chat%2Fcompletions", Target(CHAT, "chat/completions")),
        ("POST", "%63hat/completions", Target(CHAT, "chat/completions")),
        ("POST", "responses", Target(ROUTES["responses"], "responses")),
        ("POST", "completions", Target(ROUTES["completions"], "completions")),
        ("POST", "messages", Target(ROUTES["messages"], "messages")),
        ("POST", "messages/count_tokens", Target(ROUTES["messages/count_tokens"], "messages/count_tokens")),
        ("POST", "embeddings", Target(ROUTES["embeddings"], "embeddings")),
        ("POST", "moderations", Target(ROUTES["moderations"], "moderations")),
        ("POST", "images/generations", Target(ROUTES["images/"], "images/generations")),
        ("POST", "audio/transcriptions", Target(ROUTES["audio/"], "audio/transcriptions")),
        ("GET", "responses/resp_1", Target(ROUTES["responses/"], "responses/resp_1")),
        ("POST", "responses/resp_1/cancel", Target(ROUTES["responses/"], "responses/resp_1/cancel")),
        ("DELETE", "responses/resp_1", Target(ROUTES["responses/"], "responses/resp_1")),
        ("GET", "responses/resp_1/input_items", Target(ROUTES["responses/"], "responses/resp_1/input_items")),
    ],
)
def test_what_is_served(prefix: str, method: str, path: str, target: Target) -> None:
    assert is_data_plane(prefix + path) is (prefix == "/v1/" or "%" not in path.split("/")[0])
    assert find(method, prefix + path) == target


def test_what_is_rewritten() -> None:
    assert {path for path, endpoint in ROUTES.items() if endpoint.rewritten} == REWRITTEN
    assert all(ROUTES[path].dialect == path.split("/")[0] for path in REWRITTEN)


def test_where_usage_is_asked_for() -> None:
    assert {path for path, endpoint in ROUTES.items() if endpoint.usage_option} == {"chat/completions", "completions"}


@pytest.mark.parametrize(
    ("path", "yes"),
    [
        ("/v1/messages", True),
        ("/messages", True),
        ("/v1/messages/count_tokens", True),
        ("/v1/messages/%2e", True),
        ("/v1/messagesx", False),
        ("/v1/chat/completions", False),
        ("/", False),
    ],
)
def test_where_errors_have_anthropics_shape(path: str, yes: bool) -> None:
    assert is_anthropic(path) is yes


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "chat/completions"),
        ("DELETE", "chat/completions"),
        ("OPTIONS", "chat/completions"),
        ("post", "chat/completions"),
        ("POST", "models"),
        ("HEAD", "models"),
        ("GET", "messages"),
        ("GET", "messages/count_tokens"),
        ("GET", "responses"),
        ("PUT", "responses/resp_1"),
        ("GET", "embeddings"),
        ("GET", "images/generations"),
        ("DELETE", "audio/speech"),
    ],
)
def test_another_method(method: str, path: str) -> None:
    assert refused(method, f"/v1/{path}") == "method_not_allowed"
    assert refused(method, f"/{path}") == "method_not_allowed"


@pytest.mark.parametrize("method", ["DELETE", "PUT", "POST", "PATCH"])
def test_nobody_deletes_a_model(method: str) -> None:
    assert refused(method, "/v1/models/ft:gpt-4o:smith::1") == "endpoint_not_allowed"


@pytest.mark.parametrize("method", ["GET", "POST", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        "",
        "fine_tuning/jobs",
        "fine_tuning/jobs/ftjob-1/cancel",
        "files",
        "files/file-1/content",
        "organization/admin_api_keys",
        "organization/users",
        "assistants",
        "threads",
        "batches",
        "vector_stores",
        "uploads",
        "realtime",
        "evals",
        "containers",
        "v1/chat/completions",
        "chat",
        "chat/",
        "chat/completions/",
        "chat/completions/chatcmpl-1",
        "/chat/completions",
        "chat//completions",
        "./chat/completions",
        "x/../chat/completions",
        "Chat/Completions",
        "chat/completions;x",
        "chat/completions%00",
        "chat\\completions",
        "chat%2F..%2Fcompletions",
        "chat%252Fcompletions",
        "images",
        "images/",
        "audio/",
        "responses/",
        "models/",
        "audio/../files",
        "audio/%2e%2e/files",
        "responses/..%2Ffiles",
        "images/..;/files",
        "modelsx",
    ],
)
def test_everything_else_under_v1_is_refused(method: str, path: str) -> None:
    assert is_data_plane(f"/v1/{path}")
    assert refused(method, f"/v1/{path}") == "endpoint_not_allowed"


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "../files",
        "..%2Ffiles",
        "%2e%2e/files",
        "%2E%2E%2Ffiles",
        "a/../../files",
        "a%2F..%2F..%2Ffiles",
        "a/./b",
        "a//b",
        "/a",
        "a/",
        "%2F",
        "..\\files",
        "..%5Cfiles",
        "a%00b",
        "a%0Ab",
        "a%0D%0AHost:x",
        "a%7F",
        "%252e%252e/files",
        "a%252Fb",
        "a%3Fb",
        "a%23b",
        "a;b",
        "a%3Bb",
        "%FF",
        "a%C3",
        "%ED%A0%80",
        "é",
    ],
)
def test_a_models_name_leads_nowhere_else(name: str) -> None:
    assert refused("GET", f"/v1/models/{name}") == "endpoint_not_allowed"
    assert refused("GET", f"/models/{name}") == "endpoint_not_allowed"


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1chat/completions"), ("GET", "/v1models")])
def test_a_prefix_without_its_slash_is_none(method: str, path: str) -> None:
    assert not is_data_plane(path)
    assert refused(method, path) == "endpoint_not_allowed"


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/metrics", "/admin", "/admin/api/tenants", "/v1", "/v1x/y"]
)
def test_what_is_not_the_data_planes(path: str) -> None:
    assert not is_data_plane(path)


# paths that a platform admin allows


@pytest.mark.parametrize(
    ("allowed", "method", "path"),
    [
        ("rerank", "POST", "rerank"),
        ("batches/*", "GET", "batches/batch_1"),
        ("batches/*", "POST", "batches/batch_1/cancel"),
        ("a/b/*", "PATCH", "a/b/c/d"),
        ("files", "POST", "files"),
        ("uploads/*", "POST", "uploads/up_1/parts"),
    ],
)
def test_an_allowed_path(allowed: str, method: str, path: str) -> None:
    assert allows(allowed)
    for sent in (f"/v1/{path}", f"/v1/{path.replace('a', '%61')}"):
        target = find(method, sent, ("other", allowed))
        assert target.path == path
        assert not target.endpoint.rewritten
        assert (target.endpoint.family, target.endpoint.operation) == ("other", path.split("/")[0])
    assert refused(method, f"/v1/{path}") == "endpoint_not_allowed"


@pytest.mark.parametrize(
    ("allowed", "method", "path"),
    [
        ("rerank", "POST", "rerank/"),
        ("rerank", "POST", "rerank/x"),
        ("rerank", "POST", "Rerank"),
        ("rerank", "POST", "rerankx"),
        ("batches/*", "POST", "batches"),
        ("batches/*", "GET", "batches/"),
        ("batches/*", "GET", "batchesx/y"),
        ("batches/*", "GET", "batches/../files"),
        ("batches/*", "GET", "batches/%2e%2e/files"),
        ("batches/*", "GET", "batches/..%2ffiles"),
        ("batches/*", "GET", "batches/%252e%252e/files"),
        ("batches/*", "GET", "batches//files"),
        ("batches/*", "GET", "batches/..;/files"),
        ("batches/*", "GET", "batches/x;y"),
        ("batches/*", "GET", "batches\\..\\files"),
        ("batches/*", "GET", "batches/%5c..%5cfiles"),
        ("batches/*", "GET", "batches/fine_tuning/jobs"),
        ("batches/*", "GET", "batches/%66ine_tuning"),
        ("batches/*", "GET", "batches/FINE_TUNING"),
        ("files", "GET", "files"),
        ("files/*", "GET", "files/file-1/content"),
        ("files/*", "DELETE", "files/file-1"),
        ("files/*", "GET", "Files/file-1"),
        ("fine_tuning/*", "GET", "fine_tuning/jobs"),
        ("fine_tuning/*", "POST", "fine_tuning/jobs"),
        ("organization/*", "GET", "organization/users"),
        ("fine-tunes", "POST", "fine-tunes"),
    ],
)
def test_what_no_entry_allows(allowed: str, method: str, path: str) -> None:
    assert refused(method, f"/v1/{path}", (allowed,)) == "endpoint_not_allowed"


@pytest.mark.parametrize("method", ["CONNECT", "OPTIONS", "TRACE", "PROPFIND", "get"])
def test_an_allowed_path_takes_plain_methods(method: str) -> None:
    assert refused(method, "/v1/rerank", ("rerank",)) == "method_not_allowed"


@pytest.mark.parametrize(
    "entry",
    [
        *("", "/", "/*", "*", "/rerank", "rerank/", "rerank//x", "./rerank", "../rerank", "a/../b", "rerank*", "a/*/b"),
        *("rerank?x", "rerank#x", "rerank;x", "re%72ank", "a\\b", "a\nb", "v1/rerank", "v1", "v1/*", "\ufffd"),
        *(
            "fine_tuning",
            "fine_tuning/*",
            "fine_tuning/jobs",
            "FINE_TUNING",
            "fine-tunes",
            "organization",
            "x/organization",
        ),
        *("organization/*", "organizations", "Organization/users"),
    ],
)
def test_an_entry_that_allows_nothing_is_none(entry: str) -> None:
    assert not allows(entry)


@pytest.mark.parametrize(
    ("path", "purposes", "yes"),
    [
        ("files", [], True),
        ("files", ["batch"], True),
        ("files", ["fine-tune"], False),
        ("files", ["Fine-Tune"], False),
        ("files", ["batch", "fine-tune"], False),
        ("files", ["fine-tune-results"], False),
        ("uploads", ["fine-tune"], False),
        ("x/Files", ["fine-tune"], False),
        ("rerank", ["fine-tune"], True),
    ],
)
def test_no_file_goes_up_to_be_trained_on(path: str, purposes: list[str], yes: bool) -> None:
    target = find("POST", f"/v1/{path}", (path,))
    assert purpose_is_allowed(target, purposes) is yes


# properties

NEVER = {"fine_tuning", "fine-tunes", "fine_tunes", "organization", "organizations"}
ESCAPED = st.text(st.sampled_from("aé./\\%:;?#&=+ \n\0~@,"), max_size=12)
PARTS = st.sampled_from(
    [
        *(
            "a",
            "b",
            "batches",
            "files",
            "..",
            ".",
            "",
            "fine_tuning",
            "FINE_TUNING",
            "organization",
            "chat",
            "completions",
        ),
        *(
            "%2e%2e",
            "%2E.",
            ".%2e",
            "%252e%252e",
            "%2f",
            "%252f",
            "%5c",
            "\\",
            ";",
            "..;",
            "%66ine_tuning",
            "%00",
            "%0a",
            "*",
        ),
        *(
            "fine%5ftuning",
            "fine%255ftuning",
            "models",
            "images",
            "responses",
            "messages",
            "%c0%ae%c0%ae",
            "\uff0e\uff0e",
        ),
    ],
)
PATHS = st.lists(PARTS, min_size=1, max_size=5).map("/".join) | st.lists(PARTS, min_size=1, max_size=4).map("".join)
NAMES = st.lists(st.text("abé-_.~: 1@", min_size=1, max_size=5), min_size=1, max_size=4).map("/".join)
ENTRIES = st.lists(PATHS | PATHS.map(lambda path: path + "/*"), max_size=3)


@given(st.sampled_from(["GET", "POST", "DELETE"]), st.sampled_from(["/v1/", "/"]), PATHS | ESCAPED, ENTRIES)
@example("GET", "/v1/", "batches/%2e%2e/fine_tuning/jobs", ["batches/*"])
@example("POST", "/v1/", "%66ine_tuning/jobs", ["fine_tuning/*"])
@settings(max_examples=500)
def test_what_is_found_leads_where_it_says(method: str, prefix: str, path: str, entries: list[str]) -> None:
    """However often the provider decodes it: no step up, no forbidden part, and the same route once more."""
    allowed = tuple(entry for entry in entries if allows(entry))
    try:
        target = find(method, prefix + path, allowed)
    except GatewayError as error:
        assert error.code in errors.TABLE
        return
    for read in (target.path, unquote(target.path), unquote(unquote(target.path))):
        parts = read.split("/")
        assert not {"", ".", ".."} & set(parts)
        looked_at = parts if target.endpoint.family == "other" else parts[:1]  # a model may have any name
        assert not NEVER & {part.lower() for part in looked_at}
        assert not set("?#\\;\r\n\0") & set(read)
    assert target.path.isascii()
    assert target.path.isprintable()
    assert " " not in target.path
    known = target.path in ROUTES or any(target.path.startswith(route) for route in ROUTES if route.endswith("/"))
    assert known or any(
        unquote(target.path) == entry or (entry.endswith("/*") and unquote(target.path).startswith(entry[:-1]))
        for entry in allowed
    )
    assert find(method, f"/v1/{target.path}", allowed) == target, "what is sent is read as it was meant"


@given(NAMES | NAMES.map(lambda name: name + "/*"))
@settings(max_examples=200)
def test_an_entry_that_can_be_one_allows_what_it_says(entry: str) -> None:
    assume(allows(entry))
    path = entry.removesuffix("/*") + ("/x" if entry.endswith("/*") else "")
    if path.split("/", 1)[0].lower() not in {route.split("/", 1)[0] for route in ROUTES}:
        assert unquote(find("POST", f"/v1/{quote(path)}", (entry,)).path) == path
