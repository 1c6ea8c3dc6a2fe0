"""The data plane's routes: what the table has is served, and nothing finds its way around it."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.endpoints import CHAT, MODEL, MODELS, Target, find, is_data_plane
from gateway.errors import TABLE, GatewayError


def refused(method: str, path: str) -> str:
    with pytest.raises(GatewayError) as error:
        find(method, path)
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
        ("GET", "models/a%3Fb%23c", Target(MODEL, "models/a%3Fb%23c", "a?b#c")),
        ("GET", "models/a+b%20c", Target(MODEL, "models/a%2Bb%20c", "a+b c")),
        ("GET", "models/%C3%A9", Target(MODEL, "models/%C3%A9", "é")),
        ("GET", "models/%252e%252e", Target(MODEL, "models/%252e%252e", "%2e%2e")),
        ("GET", "models/...", Target(MODEL, "models/...", "...")),
        ("GET", "models/a..b", Target(MODEL, "models/a..b", "a..b")),
    ],
)
def test_what_is_served(prefix: str, method: str, path: str, target: Target) -> None:
    assert is_data_plane(prefix + path)
    assert find(method, prefix + path) == target


def test_what_is_rewritten() -> None:
    assert CHAT.rewritten
    assert not MODELS.rewritten
    assert not MODEL.rewritten


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "chat/completions"),
        ("DELETE", "chat/completions"),
        ("OPTIONS", "chat/completions"),
        ("post", "chat/completions"),
        ("POST", "models"),
        ("HEAD", "models"),
        ("PUT", "models/gpt-4o"),
        ("POST", "models/gpt-4o"),
    ],
)
def test_another_method(method: str, path: str) -> None:
    assert refused(method, f"/v1/{path}") == "method_not_allowed"
    assert refused(method, f"/{path}") == "method_not_allowed"


def test_nobody_deletes_a_model() -> None:
    assert refused("DELETE", "/v1/models/ft:gpt-4o:smith::1") == "endpoint_not_allowed"


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
        "chat%2Fcompletions",
        "%63hat/completions",
        "chat/completions;x",
        "chat/completions%00",
        "chat\\completions",
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
        "%FF",
        "a%C3",
        "%ED%A0%80",
        "é",
    ],
)
def test_a_models_name_leads_nowhere_else(name: str) -> None:
    assert refused("GET", f"/v1/models/{name}") == "endpoint_not_allowed"
    assert refused("GET", f"/models/{name}") == "endpoint_not_allowed"


@pytest.mark.parametrize(
    "path",
    [
        "responses",
        "completions",
        "messages",
        "messages/count_tokens",
        "embeddings",
        "moderations",
        "images/generations",
        "audio/speech",
    ],
)
def test_the_contracts_other_routes_are_never_relayed_unseen(path: str) -> None:
    """They are served or refused; which, says the version. Relayed as they come they would not be looked into."""
    try:
        target = find("POST", f"/v1/{path}")
    except GatewayError as error:
        assert error.kind.status in (403, 404, 501)
    else:
        assert target.endpoint.path == path


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1chat/completions"), ("GET", "/v1models")])
def test_a_prefix_without_its_slash_is_none(method: str, path: str) -> None:
    assert not is_data_plane(path)
    assert refused(method, path) == "endpoint_not_allowed"


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/readyz", "/metrics", "/admin", "/admin/api/tenants", "/v1", "/v1x/y"]
)
def test_what_is_not_the_data_planes(path: str) -> None:
    assert not is_data_plane(path)


ESCAPED = st.text(st.sampled_from("aé./\\%:;?#&=+ \n\0~@,"), max_size=12)


@given(st.sampled_from(["GET", "POST"]), st.sampled_from(["/v1/", "/"]), st.text(max_size=10) | ESCAPED)
@settings(deadline=None, max_examples=300)
def test_any_path_is_in_the_table_or_refused(method: str, prefix: str, path: str) -> None:
    try:
        target = find(method, prefix + path)
    except GatewayError as error:
        assert error.code in TABLE
    else:
        assert target.path.split("/")[0] in {"chat", "models"}


@given(ESCAPED.filter(lambda name: name.isascii()))
@settings(deadline=None, max_examples=300)
def test_a_models_path_stays_below_models(name: str) -> None:
    try:
        target = find("GET", f"/v1/models/{name}")
    except GatewayError:
        return
    below = target.path.removeprefix("models/")
    assert below != target.path
    assert not {"", ".", ".."} & set(below.split("/"))
    assert not set(" ?#\\\r\n\0;") & set(below)
    assert find("GET", f"/v1/{target.path}") == target, "what is sent is read as it was meant"
