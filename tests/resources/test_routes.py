import pytest

from tests.resources import routes

NOT_ALLOWED = (403, "endpoint_not_allowed")
OTHER_METHOD = (405, "method_not_allowed")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/v1/chat/completions"),
        ("POST", "/v1/responses?beta=true"),
        ("GET", "/v1/responses/resp_1"),
        ("DELETE", "/v1/responses/resp_1"),
        ("POST", "/v1/responses/resp_1/cancel"),
        ("GET", "/v1/responses/resp_1/input_items?order=asc"),
        ("POST", "/v1/images/edits"),
        ("POST", "/v1/audio/transcriptions"),
        ("POST", "/v1/embeddings"),
        ("GET", "/v1/models"),
        ("GET", "/v1/models/gpt-4o"),
        ("GET", "models/ft%3Agpt-4o"),
    ],
)
def test_the_routes_of_the_table_are_relayed(method: str, path: str) -> None:
    assert routes.refusal(method, path) is None


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/v1/batches", NOT_ALLOWED),
        ("GET", "/v1/chat/completions/chatcmpl_1", NOT_ALLOWED),
        ("GET", "/v1/chat/completions", OTHER_METHOD),
        ("DELETE", "/v1/models/gpt-4o", NOT_ALLOWED),
        ("GET", "/v1/images/generations", OTHER_METHOD),
        ("POST", "/v1/audio", NOT_ALLOWED),
        ("POST", "/v1/imagesque", NOT_ALLOWED),
    ],
)
def test_every_other_is_refused(method: str, path: str, refusal: tuple[int, str]) -> None:
    assert routes.refusal(method, path) == refusal


@pytest.mark.parametrize(
    ("method", "path", "refusal"),
    [
        ("GET", "/v1/batches", None),
        ("POST", "/v1/batches/batch_1/cancel", None),
        ("GET", "/v1/chat/completions/chatcmpl_1", None),
        ("GET", "/v1/chat/completions", OTHER_METHOD),
        ("DELETE", "/v1/models/gpt-4o", NOT_ALLOWED),
        ("POST", "/v1/files", None),
        ("GET", "/v1/files/file_1", NOT_ALLOWED),
        ("GET", "/v1/batches/b/files", NOT_ALLOWED),
        ("GET", "/v1/batchesque", NOT_ALLOWED),
        ("GET", "/v1/fine_tuning/jobs", NOT_ALLOWED),
        ("POST", "/v1/organization/users", NOT_ALLOWED),
    ],
)
def test_an_admin_opens_what_may_be_opened(method: str, path: str, refusal: tuple[int, str] | None) -> None:
    allowed = ("batches", "batches/*", "chat/*", "models/*", "files", "files/*", "fine_tuning/*", "organization/*")
    assert routes.refusal(method, path, allowed) == refusal


def test_an_exact_entry_opens_nothing_below_it() -> None:
    assert routes.refusal("GET", "/v1/batches", ("batches",)) is None
    assert routes.refusal("GET", "/v1/batches/b", ("batches",)) == NOT_ALLOWED
    assert routes.refusal("GET", "/v1/batches", ("batches/*",)) == NOT_ALLOWED


def test_what_is_to_be_allowed_leaves_out_what_is_relayed_or_never_is() -> None:
    paths = ["/v1/videos/v", "/v1/batches?after=b", "/v1/chat/completions", "/v1/models/m", "/v1/fine_tuning/jobs"]
    assert routes.to_allow(paths) == ("batches", "batches/*", "videos", "videos/*")


def test_a_family_is_the_first_part() -> None:
    assert [routes.family(path) for path in ("/v1/chat/completions?a=/b", "/v1/models", "videos/v")] == [
        "chat",
        "models",
        "videos",
    ]
