"""The data plane's routes: a table, and everything that is not in it refused.

A path is decoded, looked at and encoded anew before it is compared or sent, so that it cannot lead elsewhere.
"""

from typing import Literal
from urllib.parse import quote, unquote

from msgspec import Struct

from gateway.errors import GatewayError
from gateway.wire.answers import Dialect
from gateway.wire.kinds import Family


class Endpoint(Struct, frozen=True):
    """A route. `path` ends with `/` where anything may follow; `operation` is the span's
    `gen_ai.operation.name`; `rewritten`: its body names the model that may be replaced; `dialect`: how its answer tells
    of model and usage; `counted`: that usage is this call's own, and not of an answer that is fetched once more."""

    path: str
    operation: str
    family: Family
    methods: tuple[str, ...] = ("POST",)
    rewritten: bool = False
    dialect: Dialect | None = None
    counted: bool = True
    usage_option: bool = False  # its streams tell of usage where `stream_options` asks
    answer: Literal["relay", "models", "model"] = "relay"


class Target(Struct, frozen=True):
    """A route as asked for. `path` goes after the provider's base URL; `model` where the path names one."""

    endpoint: Endpoint
    path: str
    model: str | None = None

    @property
    def anthropic(self) -> bool:
        """Whether its errors have Anthropic's shape."""
        return self.endpoint.family == "messages"


TABLE = (
    Endpoint("chat/completions", "chat", "chat", rewritten=True, dialect="chat", usage_option=True),
    Endpoint("responses", "chat", "responses", rewritten=True, dialect="responses"),
    Endpoint("completions", "text_completion", "completions", rewritten=True, dialect="completions", usage_option=True),
    Endpoint("messages", "chat", "messages", rewritten=True, dialect="messages"),
    Endpoint("embeddings", "embeddings", "embeddings", dialect="embeddings"),
    Endpoint("moderations", "moderations", "moderations"),
    Endpoint("messages/count_tokens", "count_tokens", "messages"),
    Endpoint("images/", "images", "images"),
    Endpoint("audio/", "audio", "audio"),
    Endpoint("responses/", "responses", "responses", ("GET", "POST", "DELETE"), dialect="responses", counted=False),
    Endpoint("models", "list_models", "models", ("GET",), answer="models"),
    Endpoint("models/", "retrieve_model", "models", ("GET",), answer="model"),
)
_EXACT = {endpoint.path: endpoint for endpoint in TABLE if not endpoint.path.endswith("/")}
_PLAIN = {
    (method, prefix + endpoint.path): Target(endpoint, endpoint.path)
    for endpoint in _EXACT.values()
    for method in endpoint.methods
    for prefix in ("/v1/", "/")
}
_BELOW = tuple(endpoint for endpoint in TABLE if endpoint.path.endswith("/"))

# With the tenant's own credential these would spend or leak, whatever is allowed.
_NEVER = frozenset({"fine_tuning", "fine-tunes", "fine_tunes", "organization", "organizations", "projects"})
_ALLOWED_METHODS = ("GET", "POST", "DELETE", "PUT", "PATCH", "HEAD")
_FILES = frozenset({"files", "uploads"})
_SAFE = "/:@-._~!$&'()*,=+"  # RFC 3986 section 3.3: what a path may hold as it is
_V1 = "/v1/"


def is_data_plane(path: str) -> bool:
    """Whether a path (as sent) belongs to the data plane: all of `/v1/`, and its routes without that prefix."""
    if path.startswith(_V1):
        return True
    name = path.removeprefix("/")
    return name in _EXACT or name.startswith(tuple(endpoint.path for endpoint in _BELOW))


def is_anthropic(path: str) -> bool:
    """Whether an error on this path (as sent) has Anthropic's shape, also where no route was found yet."""
    name = path.removeprefix("/v1").removeprefix("/")
    return name == "messages" or name.startswith("messages/")


def find(method: str, path: str, allowed: tuple[str, ...] = ()) -> Target:
    """The route. `allowed` are the tenant's further paths: each exact, or with `/*` at its end for all below it.

    Raises GatewayError `endpoint_not_allowed`, `method_not_allowed`.
    """
    plain = _PLAIN.get((method, path))
    if plain is not None:
        return plain
    sent = path.removeprefix(_V1) if path.startswith(_V1) else path.removeprefix("/")
    name = _decoded(sent)
    endpoint = _EXACT.get(name) or next((below for below in _BELOW if name.startswith(below.path)), None)
    if endpoint is None:
        return _further(method, name, allowed)
    if method not in endpoint.methods:
        raise GatewayError("endpoint_not_allowed" if endpoint.answer == "model" else "method_not_allowed")
    model = name.removeprefix(endpoint.path) if endpoint.answer == "model" else None
    return Target(endpoint, quote(name, safe=_SAFE), model)


def allows(entry: str) -> bool:
    """Whether an entry of `allowed_paths` can be one: decoded, canonical, without `v1/`, and nothing that is never
    relayed."""
    name = entry.removesuffix("/*")
    if "*" in name or "%" in name or name.split("/", 1)[0] == "v1":
        return False  # it would stand there and allow nothing
    try:
        return _decoded(name) == name and not _is_never(name)
    except GatewayError:
        return False


def purpose_is_allowed(target: Target, purposes: list[str]) -> bool:
    """Whether a file may go up for these purposes: never for fine-tuning."""
    return not _of_files(target.path) or not any("fine-tune" in purpose.lower() for purpose in purposes)


def _further(method: str, name: str, allowed: tuple[str, ...]) -> Target:
    if _is_never(name) or not any(_covers(entry, name) for entry in allowed):
        raise GatewayError("endpoint_not_allowed")
    if _of_files(name) and method != "POST":
        words = "Files may be sent, not read: among them may be what a model was trained on."
        raise GatewayError("endpoint_not_allowed", words)
    if method not in _ALLOWED_METHODS:
        raise GatewayError("method_not_allowed")
    # The operation is a span's name: the path's first part, so that there are few of them.
    return Target(Endpoint(name[:200], name.split("/", 1)[0][:40], "other", (method,)), quote(name, safe=_SAFE))


def _covers(entry: str, name: str) -> bool:
    return name == entry or (entry.endswith("/*") and name.startswith(entry[:-1]))


def _is_never(name: str) -> bool:
    return not _NEVER.isdisjoint(name.lower().split("/"))


def _of_files(name: str) -> bool:
    return not _FILES.isdisjoint(name.lower().split("/"))


def _decoded(sent: str) -> str:
    """The path's parts as they are meant. Raises GatewayError where they could be read as another path."""
    # Bytes that are no UTF-8 become U+FFFD; what holds one names nothing.
    name = unquote(sent, errors="replace") if sent.isascii() else ""
    odd = not name or not name.isprintable() or any(mark in name for mark in "\\\ufffd;?#%")
    if odd or {"", ".", ".."} & set(name.split("/")):
        raise GatewayError("endpoint_not_allowed")
    return name
