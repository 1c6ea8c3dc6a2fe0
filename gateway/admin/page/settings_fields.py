"""Which fields the form of each kind of provider and of Vault has. Tables only."""

from msgspec import Struct

from gateway.admin.page.forms import Field
from gateway.wire.kinds import KINDS, is_translated


class Choice(Struct, frozen=True):
    """A kind to choose. `text` says when."""

    name: str
    label: str
    text: str


PROVIDERS: tuple[Choice, ...] = (
    Choice("openai", "OpenAI", "Trains and answers; the usual choice."),
    Choice("azure_openai", "Azure OpenAI", "OpenAI’s models in your own Azure resource."),
    Choice("openai_compatible", "Another server with OpenAI’s API", "vLLM, for one, or a sandbox."),
    Choice("anthropic", "Anthropic", "Claude, by its own API."),
    Choice("bedrock", "Amazon Bedrock", "Models in your AWS account."),
    Choice("vertex", "Google Vertex AI", "Models in your Google Cloud project."),
    Choice("together", "Together", "Open models."),
    Choice("fireworks", "Fireworks", "Open models."),
    Choice("litellm", "One more, by litellm", "Any provider that litellm knows by name."),
)

_OPTIONS: dict[str, tuple[Field, ...]] = {
    "azure_openai": (
        Field("options.api_version", "API version", "Of the dated interface; empty for the usual one.", folded=True),
    ),
    "bedrock": (
        Field("options.region", "Region", placeholder="eu-central-1", required=True),
        Field("options.access_key_id", "Access key id", "Empty where the key below is a Bedrock API key."),
    ),
    "vertex": (
        Field("options.project", "Project", required=True),
        Field("options.location", "Location", placeholder="europe-west4", required=True),
    ),
    "litellm": (Field("options.provider", "Provider", "As litellm names it, such as mistral.", required=True),),
}
_KEYS: dict[str, tuple[str, str]] = {
    "bedrock": ("Secret access key", "Or a Bedrock API key, without an access key id."),
    "vertex": ("Service account", "Its JSON file’s text, all of it."),
}
_MODELS = {
    "azure_openai": "The deployment’s name, as it stands in Azure.",
    "litellm": "As the provider names it.",
}


def provider_fields(kind: str) -> tuple[Field, ...]:
    """The form of a provider of this kind, without its name."""
    row = KINDS[kind]
    fields = []
    if kind == "litellm" or not is_translated(kind):
        needed = row.needs_url and not row.base_url
        text = "" if needed else "Leave it empty unless yours is elsewhere."
        fields.append(Field("base_url", "Address", text, required=needed, placeholder=row.base_url or "https://"))
    fields += [one for one in _OPTIONS.get(kind, ()) if not one.folded]
    label, text = _KEYS.get(kind, ("API key", ""))
    fields.append(Field("api_key", label, text, kind="long_secret" if kind == "vertex" else "secret"))
    text = _MODELS.get(kind, "The stock model: it answers where the firm’s own does not.")
    fields.append(Field("default_model", "Default model", text, required=True))
    fields.append(
        Field("is_default", "Calls go here unless they name another provider", kind="yes"),
    )
    fields += [one for one in _OPTIONS.get(kind, ()) if one.folded]
    fields.append(
        Field(
            "options.stream_usage",
            "Streams may be asked for their tokens",
            "Untick it for a server that refuses `stream_options`; the tokens of its streams are then not known.",
            kind="yes",
            folded=True,
        )
    )
    return tuple(fields)


VAULTS: tuple[Choice, ...] = (
    Choice("file", "Files", "On the gateway’s own machine, or mounted there."),
    Choice("https", "A file on the web", "One file of JSON lines behind https."),
    Choice("api", "An API", "Pages of JSON, as a document system answers them."),
    Choice("s3", "Amazon S3", "Or any store with its API."),
    Choice("gs", "Google Cloud Storage", ""),
    Choice("postgresql", "PostgreSQL", "The rows of one SELECT."),
)

_URLS: dict[str, tuple[str, str]] = {
    "file": ("file:///srv/vaults/firm.jsonl", "A file of JSON lines, or several with *: file:///srv/vaults/*.jsonl.gz"),
    "https": ("https://documents.example/firm.jsonl", ""),
    "api": ("https://documents.example/api/chunks", ""),
    "s3": ("s3://bucket/firm/*.jsonl", "An object, or several with *."),
    "gs": ("gs://bucket/firm/*.jsonl", "An object, or several with *."),
    "postgresql": ("postgresql://user@host/database", "Without the password."),
}
_TOKEN = Field("options.token", "Token", "Sent as Authorization: Bearer …; empty where none is needed.", kind="secret")
_PASSWORD = Field("options.password", "Password", "Of the user in the address.", kind="secret")
_ANONYMOUS = Field("options.anonymous", "The bucket is public", kind="yes", folded=True)
_ENDPOINT = Field("options.endpoint_url", "Endpoint", "Of another’s server with the same API.", folded=True)
_OF_VAULT: dict[str, tuple[Field, ...]] = {
    "file": (),
    "https": (_TOKEN, _PASSWORD),
    "api": (
        _TOKEN,
        _PASSWORD,
        Field("options.api.items", "Field of a page’s items", placeholder="items", folded=True),
        Field("options.api.next_cursor", "Field of the next cursor", placeholder="next_cursor", folded=True),
        Field("options.api.cursor", "Parameter for the cursor", placeholder="cursor", folded=True),
        Field("options.api.limit", "Parameter for the page’s size", placeholder="limit", folded=True),
        Field("options.api.page_size", "Items on a page", kind="number", placeholder="200", folded=True),
    ),
    "s3": (
        Field("options.region", "Region", placeholder="eu-central-1"),
        Field("options.access_key_id", "Access key id", "Empty: whoever runs this gateway has given it access."),
        Field("options.secret_access_key", "Secret access key", kind="secret"),
        _ENDPOINT,
        _ANONYMOUS,
    ),
    "gs": (
        Field(
            "options.service_account",
            "Service account",
            "Its JSON file’s text; empty where whoever runs this gateway has given it access.",
            kind="long_secret",
        ),
        _ENDPOINT,
        _ANONYMOUS,
    ),
    "postgresql": (
        _PASSWORD,
        Field("options.query", "Query", "One SELECT; add an ORDER BY.", kind="long", required=True),
        Field("options.statement_seconds", "Seconds for a statement", kind="number", placeholder="300", folded=True),
    ),
}
_MAY_LACK = "A dash (–) where the records have none."
_RECORDS: tuple[Field, ...] = (
    Field("options.fields.chunk_id", "Field of the chunk’s id", placeholder="chunk_id", folded=True),
    Field("options.fields.document_id", "Field of the document’s id", placeholder="document_id", folded=True),
    Field("options.fields.text", "Field of the text", placeholder="text", folded=True),
    Field("options.fields.title", "Field of the title", _MAY_LACK, placeholder="title", folded=True),
    Field("options.fields.position", "Field of the position", _MAY_LACK, placeholder="position", folded=True),
    Field("options.fields.status", "Field of the status", _MAY_LACK, placeholder="status", folded=True),
    Field("options.ready_values", "What means ready", "With commas between.", "list", placeholder="ready", folded=True),
)


def vault_fields(kind: str) -> tuple[Field, ...]:
    """The form of a Vault of this kind."""
    example, text = _URLS[kind]
    url = Field("url", "Address", text, required=True, placeholder=example)
    return (url, *_OF_VAULT[kind], *_RECORDS)


def vault_kind(url: str, options: dict[str, object]) -> str:
    """Which kind a Vault is."""
    scheme = url.partition("://")[0]
    if scheme in ("http", "https"):
        return "api" if "api" in options else "https"
    return scheme
