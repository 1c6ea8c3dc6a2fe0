"""The kinds of providers: how each wants its credential and its paths, and which routes it has. One table.

A kind that speaks another protocol than a caller's is *translated*: its calls go to the translator, which speaks
the OpenAI API. What is not in a kind's routes is refused, not guessed at.
Sources: each provider's API reference; the paths are those that its own SDK makes of the same base URL.
"""

from typing import Any, Literal
from urllib.parse import quote

from msgspec import Struct

from gateway.masked import SecretBytes

Family = Literal[
    "chat",
    "responses",
    "completions",
    "messages",
    "embeddings",
    "moderations",
    "images",
    "audio",
    "models",
    "other",
]
_OPENAI: frozenset[Family] = frozenset(
    {"chat", "responses", "completions", "embeddings", "moderations", "images", "audio", "models", "other"},
)


class Kind(Struct, frozen=True):
    """A row. `families`: the routes that it has; `provider_name`: the span's `gen_ai.provider.name`."""

    provider_name: str
    families: frozenset[Family]
    credential: Literal["bearer", "x-api-key", "api-key", "translator"] = "bearer"
    prefix: str = ""  # of every path, where the SDK's base URL does not have it
    defaults: tuple[tuple[bytes, bytes], ...] = ()  # headers that the provider insists on
    base_url: str = ""  # where an admin gives none
    needs_url: bool = True


KINDS: dict[str, Kind] = {
    "openai": Kind("openai", _OPENAI, base_url="https://api.openai.com/v1"),
    # What such a server has, it knows itself: vLLM has `messages` too.
    "openai_compatible": Kind("openai", _OPENAI | {"messages"}),
    "together": Kind("together_ai", _OPENAI, base_url="https://api.together.xyz/v1"),
    "fireworks": Kind("fireworks_ai", _OPENAI | {"messages"}, base_url="https://api.fireworks.ai/inference/v1"),
    "azure_openai": Kind("azure.ai.openai", _OPENAI - {"moderations"}, "api-key"),
    "anthropic": Kind(
        "anthropic",
        frozenset({"messages", "models", "other"}),
        "x-api-key",
        prefix="v1/",
        defaults=((b"anthropic-version", b"2023-06-01"),),
        base_url="https://api.anthropic.com",
    ),
    "bedrock": Kind("aws.bedrock", frozenset({"chat"}), "translator", needs_url=False),
    "vertex": Kind("gcp.vertex_ai", frozenset({"chat"}), "translator", needs_url=False),
    "litellm": Kind("litellm", frozenset({"chat"}), "translator", needs_url=False),
}

# Azure's dated interface has the model in the path, as the name of a deployment.
_DEPLOYED = frozenset(
    {
        "chat/completions",
        "completions",
        "embeddings",
        "audio/transcriptions",
        "audio/translations",
        "audio/speech",
        "images/generations",
        "images/edits",
    },
)
_DOTS = (".", "..")  # as a part of a path they would lead elsewhere, however they are written
_AZURE_VERSION = "2024-10-21"  # the newest that is generally available in the dated interface


class NeedsModel(Exception):
    """The path of this route holds the model, and the call names none that a path can hold."""


def is_translated(kind: str) -> bool:
    """Whether the provider's calls go by way of the translator."""
    return KINDS[kind].credential == "translator"


def place(kind: str, options: dict[str, Any]) -> tuple[str | None, int | None]:
    """Host and port of a translated provider without a URL, as they follow from its options; None where only litellm
    knows them."""
    region, location = options.get("region"), options.get("location")
    if kind == "bedrock" and region:
        return f"bedrock-runtime.{region}.amazonaws.com", 443
    if kind == "vertex" and location == "global":
        return "aiplatform.googleapis.com", 443
    if kind == "vertex" and location:
        return (f"{location}-aiplatform" if "-" in location else f"aiplatform.{location}.rep") + ".googleapis.com", 443
    return None, None


def serves(kind: str, base_path: str, family: Family) -> bool:
    """Whether a provider has a route. Azure's dated interface lists catalogues, not what can be called."""
    if kind == "azure_openai" and family == "models":
        return _is_azure_v1(base_path)
    return family in KINDS[kind].families


def credential(kind: str, secret: str | None) -> tuple[tuple[bytes, bytes], ...]:
    """The headers that carry the provider's credential; none for a translated kind, whose own is made elsewhere."""
    if secret is None:
        return ()
    name = KINDS[kind].credential
    if name == "bearer":
        return ((b"authorization", SecretBytes(b"Bearer " + secret.encode())),)
    return () if name == "translator" else ((name.encode(), SecretBytes(secret.encode())),)


def path(kind: str, base_path: str, route: str, model: str | None, query: str, options: dict[str, Any]) -> str:
    """The path and query of a route (without `/v1`, no leading slash) at a provider.

    Raises NeedsModel where the path holds the model and there is none that it can hold.
    """
    if kind == "azure_openai":
        return _azure(base_path, route, model, query, options.get("api_version"))
    if is_translated(kind):
        return f"/v1/{route}"
    prefix = KINDS[kind].prefix
    if prefix and base_path.endswith("/" + prefix.rstrip("/")):
        prefix = ""  # an admin's base URL may have it all the same
    return f"{base_path}/{prefix}{route}" + (f"?{query}" if query else "")


def _azure(base_path: str, route: str, model: str | None, query: str, version: str | None) -> str:
    if _is_azure_v1(base_path):
        at = f"{base_path}/{route}"
    else:
        version = version or _AZURE_VERSION
        at = f"{base_path.removesuffix('/openai')}/openai"
        if route in _DEPLOYED:
            if not model or model in _DOTS:
                raise NeedsModel
            at += f"/deployments/{quote(model, safe='')}"
        at += f"/{route}"
    if version and not any(part.startswith("api-version=") for part in query.split("&")):
        query = f"{query}&api-version={version}" if query else f"api-version={version}"
    return f"{at}?{query}" if query else at


def _is_azure_v1(base_path: str) -> bool:
    """The interface without dates: the model in the body, as at OpenAI."""
    return base_path.endswith("/openai/v1")
