"""The environment, read once into one frozen value. Nothing else reads it, and nothing reads it at import.

A setting's definition says what it is for: docs/configuration.md is made of it. What a text may be is in
`setting_values.py`.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_args, get_type_hints

from msgspec import Struct
from msgspec.structs import fields

from gateway import setting_values as values
from gateway import translator_values as translator
from gateway.masked import Secret, SecretEnviron
from gateway.setting_values import SettingsError, encryption_key
from gateway.upstream.addresses import Network, Origin
from gateway.upstream.proxy import Proxies

__all__ = ["ATTACHED_REDIS", "Settings", "SettingsError", "Variable", "encryption_key", "read", "unknown", "variables"]

# Set for the children of an embedded gateway only: the address of its Redis, whose secrets lie in the data
# directory.
ATTACHED_REDIS = "HOUSESTYLE_ATTACHED_REDIS"


class Variable(Struct, frozen=True):
    """A variable as docs/configuration.md tells of it: `words` in Markdown; `default` in words, where the field's own
    says too little."""

    name: str
    words: str
    default: str | None = None


class Settings(Struct, frozen=True):
    """Each field with the variables that it comes of. Empty where a variable is unset and has no default."""

    redis_url: Annotated[
        str | None,
        Variable(
            "HOUSESTYLE_REDIS_URL",
            "`redis://`, `rediss://`, `unix://` or `redis+sentinel://`; what it must be like: [Redis](redis.md).",
            "unset: an embedded `redis-server`, a child of the gateway, every write on disk",
        ),
    ]
    attached: bool
    data_dir: Annotated[
        Path,
        Variable(
            "HOUSESTYLE_DATA_DIR",
            "A folder for the embedded Redis, generated secrets (mode 0600) and artifacts.",
            "`./housestyle-data`",
        ),
    ]
    admin_key: Annotated[
        str | None,
        Variable(
            "HOUSESTYLE_ADMIN_KEY",
            "A platform admin's key, valid from the first start.",
            "embedded: generated, kept in the data directory, printed once; else only keys in the store",
        ),
    ]
    encryption_keys: Annotated[
        tuple[bytes, ...],
        Variable(
            "HOUSESTYLE_ENCRYPTION_KEYS",
            "Base64 of 32 bytes each, comma-separated; the first encrypts, all decrypt. [How to change "
            "them](key-rotation.md).",
            "embedded: generated; else required",
        ),
    ]
    artifacts_url: Annotated[
        str | None,
        Variable(
            "HOUSESTYLE_ARTIFACTS_URL",
            "Where training files and manifests are kept: an fsspec URL that every worker and gateway reaches.",
            "embedded: in the data directory; else required",
        ),
    ]
    vault_roots: Annotated[
        tuple[str, ...],
        Variable(
            "HOUSESTYLE_VAULT_ROOTS",
            "URL prefixes that a Vault may lie under, comma-separated; `{tenant}` in one stands for the tenant's name.",
            "`vaults/` in the data directory",
        ),
    ]
    upstream_allow: Annotated[
        tuple[Network, ...],
        Variable(
            "HOUSESTYLE_UPSTREAM_ALLOW",
            "Networks (CIDR, comma-separated) that providers and Vaults may be in although private or loopback.",
        ),
    ]
    connect_timeout: Annotated[
        float, Variable("HOUSESTYLE_CONNECT_TIMEOUT", "Seconds until a connection to a provider must stand.")
    ] = 10.0
    first_byte_timeout: Annotated[
        float, Variable("HOUSESTYLE_FIRST_BYTE_TIMEOUT", "Seconds until the first byte of a provider's answer.")
    ] = 600.0
    idle_timeout: Annotated[
        float,
        Variable(
            "HOUSESTYLE_IDLE_TIMEOUT", "Seconds in which nothing comes of an answer, or its caller takes nothing."
        ),
    ] = 120.0
    drain_seconds: Annotated[
        float, Variable("HOUSESTYLE_DRAIN_SECONDS", "Seconds that calls under way may still take after SIGTERM.")
    ] = 30.0
    max_body_mb: Annotated[
        float,
        Variable(
            "HOUSESTYLE_MAX_BODY_MB", "Megabytes of a body whose model may be rewritten, before and after decoding."
        ),
    ] = 32.0
    max_concurrent: Annotated[
        int, Variable("HOUSESTYLE_MAX_CONCURRENT", "Calls at once in a process; one more is answered 429.")
    ] = 2000
    why_days: Annotated[int, Variable("HOUSESTYLE_WHY_DAYS", "Days that [Why records](why.md) are kept.")] = 90
    why_max: Annotated[int, Variable("HOUSESTYLE_WHY_MAX", "How many Why records are kept of a tenant.")] = 100_000
    audit_days: Annotated[int, Variable("HOUSESTYLE_AUDIT_DAYS", "Days that audit records are kept.")] = 730
    artifact_days: Annotated[
        int,
        Variable("HOUSESTYLE_ARTIFACT_DAYS", "Days that a job's training files and manifest are kept after its end."),
    ] = 730
    trusted_proxies: Annotated[
        tuple[Network, ...],
        Variable("HOUSESTYLE_TRUSTED_PROXIES", "Networks whose `X-Forwarded-For` is believed, in audit records."),
    ] = ()
    bootstrap: Annotated[
        Path | None,
        Variable(
            "HOUSESTYLE_BOOTSTRAP",
            "A YAML file of tenants, providers, Vaults and key hashes, applied at start: [Bootstrap](bootstrap.md).",
        ),
    ] = None
    prices: Annotated[
        Path | None,
        Variable(
            "HOUSESTYLE_PRICES",
            "A YAML or JSON file of your own prices, dollars for a million tokens: [What a call "
            "costs](why.md#what-a-call-costs).",
        ),
    ] = None
    admin_port: Annotated[
        int | None,
        Variable(
            "HOUSESTYLE_ADMIN_PORT",
            "Serves `/admin` and `/metrics` on this port instead of the data plane's; 0 takes a free one.",
            "unset: one port for callers and admins",
        ),
    ] = None
    poll_seconds: Annotated[
        float, Variable("HOUSESTYLE_POLL_SECONDS", "Seconds between polls of a provider's job; backs off to 60.")
    ] = 10.0
    metrics_tenants: Annotated[
        int,
        Variable(
            "HOUSESTYLE_METRICS_TENANTS",
            "How many tenants have a label of their own in the [metrics](metrics.md) of calls; 0: none.",
        ),
    ] = 500
    proxies: Annotated[
        Proxies | None,
        Variable("HTTPS_PROXY", "The proxy for every outgoing HTTPS connection. In lower case too."),
        Variable(
            "NO_PROXY", "Hosts, domains and networks, comma-separated, that are reached without it. In lower case too."
        ),
    ] = None
    translator_python: Annotated[
        Path | None,
        Variable(
            "HOUSESTYLE_TRANSLATOR_PYTHON",
            "The Python of the translator's environment, for Bedrock, Vertex and the like: "
            "[Providers](data-plane.md#providers).",
            "`.venv-translator` beside `.venv`, where there is one",
        ),
    ] = None
    translator_url: Annotated[
        Origin | None,
        Variable(
            translator.URL,
            "`https://host:port` of a translator that [runs by itself](operations.md#a-translator-of-its-own), for "
            "gateways.",
            "unset: a child of each gateway process, started on first need",
        ),
    ] = None
    translator_tokens: Annotated[
        tuple[str, ...],
        Variable(
            translator.TOKEN,
            "The secret that gateways and that translator share, 32 characters or more; of several, comma-separated, "
            "the first is sent and all are taken.",
            "unset: required with a URL, and by `housestyle translator`",
        ),
    ] = ()
    translator_ca: Annotated[
        Path | None,
        Variable(
            translator.CA,
            "A file (PEM) of the authorities behind that translator's certificate, for gateways; read again when it "
            "changes.",
            "unset: those of other outgoing connections",
        ),
    ] = None
    translator_certificate: Annotated[
        tuple[Path, Path] | None,
        Variable(
            translator.CERTIFICATE,
            "The certificate (PEM, with its chain) of `housestyle translator`; read again when it changes.",
        ),
        Variable(translator.KEY, "That certificate's key (PEM, without a passphrase)."),
    ] = None
    translator_plaintext: Annotated[
        bool,
        Variable(
            translator.PLAINTEXT,
            "`true` lets gateways and that translator speak without TLS beyond one machine: where the network itself "
            "encrypts, as a service mesh does.",
            "`false`",
        ),
    ] = False

    def __repr__(self) -> str:
        return f"Settings(data_dir={str(self.data_dir)!r}, embedded={self.embedded})"  # never a secret

    @property
    def embedded(self) -> bool:
        """Whether Redis is a child of this gateway, or of the gateway that this process is a child of."""
        return self.redis_url is None or self.attached


def variables() -> Iterator[tuple[Variable, type, Any]]:
    """Every variable with its field's type and default (msgspec.NODEFAULT where it has none), in the fields' order."""
    for variable, _, kind, default in _defined():
        yield variable, kind, default


def read(environ: Mapping[str, str]) -> Settings:
    """Reads the variables of the contract. Raises SettingsError."""
    environ = SecretEnviron(environ)
    values.look_for_authorities(environ)
    attached = environ.get(ATTACHED_REDIS)
    return Settings(
        redis_url=values.redis_url(values.secret(attached or environ.get("HOUSESTYLE_REDIS_URL"))),
        attached=bool(attached),
        data_dir=Path(environ.get("HOUSESTYLE_DATA_DIR") or "housestyle-data").absolute(),
        admin_key=values.admin_key(environ),
        encryption_keys=tuple(map(encryption_key, map(Secret, values.listed(environ, "HOUSESTYLE_ENCRYPTION_KEYS")))),
        artifacts_url=values.artifacts_url(environ),
        vault_roots=tuple(map(values.root, values.listed(environ, "HOUSESTYLE_VAULT_ROOTS"))),
        upstream_allow=values.networks(environ, "HOUSESTYLE_UPSTREAM_ALLOW"),
        trusted_proxies=values.networks(environ, "HOUSESTYLE_TRUSTED_PROXIES"),
        bootstrap=values.path(environ, "HOUSESTYLE_BOOTSTRAP"),
        prices=values.path(environ, "HOUSESTYLE_PRICES"),
        admin_port=values.port(environ.get("HOUSESTYLE_ADMIN_PORT")),
        proxies=values.proxies(environ),
        translator_python=values.translator_python(environ),
        translator_url=translator.url(environ),
        translator_tokens=translator.tokens(environ),
        translator_ca=translator.authorities(environ),
        translator_certificate=translator.certificate(environ),
        translator_plaintext=translator.plaintext(environ),
        **_numbers(environ),
    )


def unknown(environ: Mapping[str, str]) -> list[str]:
    """Variables that look like ours and are not read: a slip of the pen, or of another version."""
    known = {ATTACHED_REDIS, *(variable.name for variable, _, _ in variables())}
    return sorted(name for name in environ if name.startswith("HOUSESTYLE_") and name not in known)


def _defined() -> Iterator[tuple[Variable, str, Any, Any]]:
    """Variable, field, type and default."""
    hints = get_type_hints(Settings, include_extras=True)
    for field in fields(Settings):
        kind, *told = get_args(hints[field.name]) if hasattr(hints[field.name], "__metadata__") else (None,)
        for variable in told:
            yield variable, field.name, kind, field.default


def _numbers(environ: Mapping[str, str]) -> dict[str, Any]:
    """The fields whose type is a number and whose variable is set."""
    found: dict[str, Any] = {}
    for variable, field, kind, _ in _defined():
        if kind in (int, float) and environ.get(variable.name):
            found[field] = values.number(variable.name, environ[variable.name], kind)
    return found
