"""The data plane's routes: a table, and everything that is not in it refused.

Paths are compared as they stand; nothing is normalised into the table.
"""

from typing import Literal
from urllib.parse import quote, unquote

from msgspec import Struct

from gateway.errors import GatewayError


class Endpoint(Struct, frozen=True):
    """A route. `operation` is the span's `gen_ai.operation.name`; `rewritten`: its body names a model."""

    method: str
    path: str
    operation: str
    rewritten: bool
    usage_option: bool = False  # its streams tell of usage where `stream_options` asks
    answer: Literal["relay", "models"] = "relay"


class Target(Struct, frozen=True):
    """A route as asked for. `path` goes after the provider's base URL; `model` where the path names one."""

    endpoint: Endpoint
    path: str
    model: str | None = None


CHAT = Endpoint("POST", "chat/completions", "chat", rewritten=True, usage_option=True)
MODELS = Endpoint("GET", "models", "list_models", rewritten=False, answer="models")
MODEL = Endpoint("GET", "models/{id}", "retrieve_model", rewritten=False)

_EXACT = {(endpoint.method, endpoint.path): endpoint for endpoint in (CHAT, MODELS)}
_PATHS = {path for _, path in _EXACT}

# Of the contract's routes, these are not here yet: they answer 404, and are never relayed.
_NOT_YET = (
    "responses",
    "completions",
    "messages",
    "embeddings",
    "moderations",
    "images/",
    "audio/",
)
_MODEL_PREFIX = "models/"
_SAFE = "/:@-._~"


def is_data_plane(path: str) -> bool:
    """Whether a path belongs to the data plane: all of `/v1/`, and its routes without that prefix."""
    return path.startswith("/v1/") or path[1:] in _PATHS or path[1:].startswith((_MODEL_PREFIX, *_NOT_YET))


def find(method: str, path: str) -> Target:
    """The route. Raises GatewayError `endpoint_not_allowed`, `method_not_allowed`, `not_found`."""
    name = path.removeprefix("/v1/") if path.startswith("/v1/") else path.removeprefix("/")
    endpoint = _EXACT.get((method, name))
    if endpoint is not None:
        return Target(endpoint, name)
    if name.startswith(_MODEL_PREFIX):
        return _model(method, name)
    if name in _PATHS:
        raise GatewayError("method_not_allowed")
    if name.startswith(_NOT_YET):
        raise GatewayError("not_found", f"This version of the gateway does not serve {name} yet.")
    raise GatewayError("endpoint_not_allowed")


def _model(method: str, name: str) -> Target:
    """`models/{id}`: the id is decoded, looked at, and encoded anew, so that it cannot lead to another path."""
    # Bytes that are no UTF-8 become U+FFFD; what holds one names no model.
    model = unquote(name.removeprefix(_MODEL_PREFIX), errors="replace") if name.isascii() else ""
    parts = model.split("/")
    if not model or "\\" in model or not model.isprintable() or "\ufffd" in model or {"", ".", ".."} & set(parts):
        raise GatewayError("endpoint_not_allowed")
    if method != "GET":
        raise GatewayError("endpoint_not_allowed" if method == "DELETE" else "method_not_allowed")
    return Target(MODEL, _MODEL_PREFIX + quote(model, safe=_SAFE), model)
