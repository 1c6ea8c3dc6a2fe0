"""Every error that is the gateway's own: its status as the contract has it, its shape as the OpenAI API's."""

import json

import pytest

from gateway.errors import TABLE, GatewayError

# The contract's table, "Errors", and the codes that it names with their status elsewhere.
CONTRACT = {
    "invalid_json": 400,
    "invalid_model_field": 400,
    "tenant_required": 400,
    "endpoint_not_supported": 400,
    "invalid_api_key": 401,
    "tenant_mismatch": 403,
    "forbidden_role": 403,
    "tenant_suspended": 403,
    "endpoint_not_allowed": 403,
    "tenant_not_found": 404,
    "model_not_found": 404,
    "provider_not_configured": 404,
    "request_too_large": 413,
    "concurrency_limit_exceeded": 429,
    "upstream_unreachable": 502,
    "upstream_protocol_error": 502,
    "draining": 503,
    "not_ready": 503,
    "upstream_timeout": 504,
    "unknown_field": 422,
    "invalid_field": 422,
    "api_key_required": 422,
    "vault_not_allowed": 422,
    "provider_in_use": 409,
    "job_not_ready": 409,
    "store_unavailable": 503,
}
RETRY = {
    "preview_busy",
    "vault_test_busy",
    "concurrency_limit_exceeded",
    "draining",
    "not_ready",
    "store_unavailable",
    "store_full",
    "store_unsaved",
    "store_diverged",
    "too_many_attempts",
}
TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    405: "invalid_request_error",
    409: "invalid_request_error",
    413: "invalid_request_error",
    422: "invalid_request_error",
    408: "invalid_request_error",
    429: "rate_limit_error",
    431: "invalid_request_error",
    501: "invalid_request_error",
    500: "server_error",
    502: "server_error",
    503: "server_error",
    504: "server_error",
}


@pytest.mark.parametrize(("code", "status"), CONTRACT.items())
def test_the_contracts_statuses(code: str, status: int) -> None:
    assert GatewayError(code).kind.status == status


def test_an_upgrade_has_a_status_of_its_own() -> None:
    error = GatewayError("upgrade_not_supported")
    assert (error.kind.status, error.code) == (501, "endpoint_not_supported")


@pytest.mark.parametrize("row", TABLE)
def test_the_shape(row: str) -> None:
    error = GatewayError(row)
    code = TABLE[row].code or row
    body = json.loads(error.body())
    assert list(body) == ["error"]
    assert set(body["error"]) == {"message", "type", "param", "code"}
    assert body["error"]["code"] == code
    assert body["error"]["type"] == TYPES[error.kind.status]
    assert body["error"]["param"] is None
    assert body["error"]["message"] == TABLE[row].message
    assert body["error"]["message"].endswith(".")
    assert str(error) == f"{code}: {TABLE[row].message}"


@pytest.mark.parametrize("code", TABLE)
def test_the_headers(code: str) -> None:
    headers = dict(GatewayError(code).headers())
    assert headers[b"content-type"] == b"application/json"
    assert (b"retry-after" in headers) is (code in RETRY)
    assert int(headers.get(b"retry-after", b"1")) > 0


@pytest.mark.parametrize("row", TABLE)
def test_anthropics_shape(row: str) -> None:
    """As its API reference has it, "Errors"; our code beside theirs."""
    error = GatewayError(row)
    body = json.loads(error.anthropic_body("call_1"))
    assert (set(body), body["type"], body["request_id"]) == ({"type", "error", "request_id"}, "error", "call_1")
    assert set(body["error"]) == {"type", "message", "code"}
    assert (body["error"]["message"], body["error"]["code"]) == (error.message, error.code)


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("invalid_json", "invalid_request_error"),
        ("invalid_api_key", "authentication_error"),
        ("tenant_suspended", "permission_error"),
        ("model_not_found", "not_found_error"),
        ("request_timeout", "invalid_request_error"),
        ("request_too_large", "request_too_large"),
        ("concurrency_limit_exceeded", "rate_limit_error"),
        ("internal_error", "api_error"),
        ("upstream_unreachable", "api_error"),
        ("draining", "api_error"),
        ("upstream_timeout", "timeout_error"),
    ],
)
def test_anthropics_types(row: str, kind: str) -> None:
    assert json.loads(GatewayError(row).anthropic_body("call_1"))["error"]["type"] == kind


def test_words_and_field_of_its_own() -> None:
    body = json.loads(GatewayError("invalid_field", 'Not "that" — é.', param="hyperparameters.n_epochs").body())
    assert body["error"]["message"] == 'Not "that" — é.'
    assert body["error"]["param"] == "hyperparameters.n_epochs"


def test_only_what_the_table_has() -> None:
    with pytest.raises(KeyError):
        GatewayError("no_such_code")
