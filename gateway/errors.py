"""Every error that is the gateway's own: its code, status and default words, in one table.

Foreign errors are mapped to these once, where they enter; nothing else in the gateway invents a status.
Two shapes: the OpenAI API's, and on `messages` Anthropic's ("Errors" in both API references).
"""

import msgspec
from msgspec import Struct


class Kind(Struct, frozen=True):
    """A row of the table. `retry_after` in seconds, where a retry makes sense; `code` where it is not the row's own."""

    status: int
    type: str
    message: str
    retry_after: int | None = None
    code: str | None = None


_REQUEST = "invalid_request_error"
_AUTH = "authentication_error"
_PERMISSION = "permission_error"
_SERVER = "server_error"

_ANTHROPIC_TYPES = {
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    504: "timeout_error",
}

TABLE: dict[str, Kind] = {
    # the data plane
    "invalid_json": Kind(400, _REQUEST, "The request body is not a JSON object that can be read."),
    "invalid_model_field": Kind(400, _REQUEST, "The field `model` must be a string."),
    "tenant_required": Kind(400, _REQUEST, "This key serves several tenants: name one in X-Tenant-Id."),
    "endpoint_not_supported": Kind(400, _REQUEST, "This provider cannot serve this route."),
    "malformed_request": Kind(400, _REQUEST, "This is not a request that HTTP/1.1 has."),
    "invalid_api_key": Kind(401, _AUTH, "The API key is missing, unknown, expired or revoked."),
    "tenant_mismatch": Kind(403, _PERMISSION, "This key belongs to another tenant."),
    "forbidden_role": Kind(403, _PERMISSION, "This key's role may not do this."),
    "tenant_suspended": Kind(403, _PERMISSION, "This tenant is suspended."),
    "endpoint_not_allowed": Kind(403, _PERMISSION, "This route is not relayed for this tenant."),
    "not_found": Kind(404, _REQUEST, "There is nothing here."),
    "method_not_allowed": Kind(405, _REQUEST, "This route does not take this method."),
    "tenant_not_found": Kind(404, _REQUEST, "There is no such tenant."),
    "model_not_found": Kind(404, _REQUEST, "The model does not exist or is not this tenant's to use."),
    "provider_not_configured": Kind(404, _REQUEST, "The tenant has no such provider."),
    "request_timeout": Kind(408, _REQUEST, "The request did not arrive in time."),
    "request_too_large": Kind(413, _REQUEST, "The request body is over the gateway's limit."),
    "concurrency_limit_exceeded": Kind(429, "rate_limit_error", "Too many calls at once.", 1),
    "headers_too_large": Kind(431, _REQUEST, "The request's headers are over the gateway's limit."),
    "internal_error": Kind(500, _SERVER, "The gateway failed on this call; its log has the cause."),
    "upgrade_not_supported": Kind(
        501,
        _REQUEST,
        "Realtime connections (an HTTP Upgrade) are not served by this gateway; use a streamed call.",
        code="endpoint_not_supported",
    ),
    "upstream_unreachable": Kind(502, _SERVER, "The provider could not be reached."),
    "upstream_protocol_error": Kind(502, _SERVER, "The provider's answer could not be read."),
    "upstream_disconnected": Kind(502, _SERVER, "The answer was broken off before its end."),
    "draining": Kind(503, _SERVER, "This replica is shutting down.", 1),
    "not_ready": Kind(503, _SERVER, "This replica is not ready yet; /readyz says why.", 1),
    "upstream_timeout": Kind(504, _SERVER, "The provider did not answer in time."),
    # the admin API
    "unknown_field": Kind(422, _REQUEST, "The body has a field that is not known here."),
    "invalid_field": Kind(422, _REQUEST, "A field of the body has a value that cannot be used."),
    "invalid_tenant_name": Kind(422, _REQUEST, "A tenant's name is [a-z0-9][a-z0-9-]{0,62}."),
    "tenant_name_retired": Kind(409, _REQUEST, "A tenant of this name was deleted; names are not given out again."),
    "api_key_required": Kind(422, _REQUEST, "Send `api_key` again when `kind` or `base_url` changes."),
    "address_not_allowed": Kind(422, _REQUEST, "This address is private; HOUSESTYLE_UPSTREAM_ALLOW does not have it."),
    "provider_unusable": Kind(409, _REQUEST, "The provider cannot be used as it is stored."),
    "provider_auth_failed": Kind(502, _SERVER, "The provider refused the tenant's credential."),
    "provider_in_use": Kind(409, _REQUEST, "The active job or a live job uses this provider."),
    "key_not_found": Kind(404, _REQUEST, "There is no such key."),
    "vault_not_configured": Kind(404, _REQUEST, "The tenant has no Vault yet."),
    "vault_not_allowed": Kind(422, _REQUEST, "The Vault does not lie under HOUSESTYLE_VAULT_ROOTS."),
    "vault_unreadable": Kind(422, _REQUEST, "The Vault could not be read."),
    "vault_test_busy": Kind(429, "rate_limit_error", "Other Vaults are being tested; ask again in a moment.", 5),
    "preview_busy": Kind(429, "rate_limit_error", "Another preview is being made; ask again in a moment.", 5),
    "preview_failed": Kind(500, _SERVER, "The preview could not be made; the gateway's log has the cause."),
    "preview_timed_out": Kind(504, _SERVER, "The preview was not made in time."),
    "job_not_found": Kind(404, _REQUEST, "There is no such job."),
    "job_not_ready": Kind(409, _REQUEST, "Only a job that is `ready` can be activated."),
    "job_finished": Kind(409, _REQUEST, "The job is over; there is nothing to cancel."),
    "model_already_known": Kind(409, _REQUEST, "Another job of this tenant has this model already."),
    "dataset_missing": Kind(409, _REQUEST, "What this job was trained on is not kept here."),
    "teacher_consent_required": Kind(
        422, _REQUEST, "A teacher sees the Vault's documents: somebody must agree to that."
    ),
    "call_not_found": Kind(404, _REQUEST, "There is no record of this call."),
    "idempotency_key_reused": Kind(409, _REQUEST, "This Idempotency-Key was used for another request."),
    "conflict": Kind(409, _REQUEST, "Others kept changing this at the same time; try again."),
    "store_not_diverged": Kind(409, _REQUEST, "The store has what the replicas know; there is nothing to decide."),
    "store_half_restored": Kind(
        409,
        _REQUEST,
        "Writing back what the replicas know was cut off, so the store's own state is no longer whole. Finish it with "
        "`replicas`, or restore the backup again.",
    ),
    "replica_behind": Kind(409, _REQUEST, "Another replica knows more than this one; ask that one."),
    "store_diverged": Kind(
        503,
        _SERVER,
        "The store's history is not the one that the replicas know (a restored backup, an emptied server, a lost "
        "write). Nothing was changed. A platform admin must say which state holds: POST /admin/api/store/accept.",
        30,
    ),
    "store_unavailable": Kind(503, _SERVER, "The store cannot be reached; nothing was changed.", 1),
    "store_full": Kind(
        503,
        _SERVER,
        "The store is full: Redis has reached its `maxmemory`. Nothing was changed; it needs more memory.",
        30,
        code="store_unavailable",
    ),
    "store_unsaved": Kind(
        503,
        _SERVER,
        "The store cannot write to its disk, so Redis takes no change. Nothing was changed; it needs room there.",
        30,
        code="store_unavailable",
    ),
    # the admin page
    "cross_site": Kind(403, _PERMISSION, "This did not come from a page of this gateway, so nothing was changed."),
    "too_many_attempts": Kind(429, "rate_limit_error", "Too many keys were tried from this address.", 60),
}


class GatewayError(Exception):
    """An error that the caller sees. `row` is a key of TABLE; `message` replaces the table's words."""

    def __init__(self, row: str, message: str | None = None, param: str | None = None) -> None:
        self.row = row
        self.kind = TABLE[row]
        self.code = self.kind.code or row
        self.message = message or self.kind.message
        self.param = param
        super().__init__(f"{self.code}: {self.message}")

    def body(self) -> bytes:
        """The error in the OpenAI API's shape."""
        error = {"message": self.message, "type": self.kind.type, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})

    def anthropic_body(self, call_id: str) -> bytes:
        """The error in Anthropic's shape; our `code` beside theirs, since their types are few."""
        otherwise = "api_error" if self.kind.status >= 500 else "invalid_request_error"
        error = {
            "type": _ANTHROPIC_TYPES.get(self.kind.status, otherwise),
            "message": self.message,
            "code": self.code,
        }
        return msgspec.json.encode({"type": "error", "error": error, "request_id": call_id})

    def headers(self) -> list[tuple[bytes, bytes]]:
        """The headers that go with either body."""
        headers = [(b"content-type", b"application/json")]
        if self.kind.retry_after is not None:
            headers.append((b"retry-after", str(self.kind.retry_after).encode()))
        return headers
