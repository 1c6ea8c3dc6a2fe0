"""The admin API's bodies, in and out, as the contract gives them. Shapes and their limits only.

A body that comes in refuses unknown fields; what goes out has every field, null where there is nothing to say.
"""

from typing import Annotated, Any, Generic, Literal, TypeVar

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from finetune.dataset.values import DatasetSummary
from finetune.records import Progress
from finetune.values import Backend, Checkpoint, Consent, Notice
from finetune.vaults.options import SECRETS, Options
from gateway.masked import Secret, masked_url

Label = Annotated[str, Meta(max_length=200)]
Name = Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9-]{0,62}\Z")]
ModelName = Annotated[str, Meta(min_length=1, max_length=256)]
Share = Annotated[float, Meta(gt=0, le=1)]
Option = Annotated[str, Meta(pattern=r"^[A-Za-z0-9._-]{1,128}\Z")]
Kind = Literal[
    "openai",
    "openai_compatible",
    "azure_openai",
    "anthropic",
    "bedrock",
    "vertex",
    "together",
    "fireworks",
    "litellm",
]


# in


class TenantPut(Struct, forbid_unknown_fields=True):
    """A tenant's own settings. What is left out stays as it is.

    `rule`: which calls an active job's model answers: those that ask for the default or for its base model, all, or
    none. `fallback`: what answers where the provider refuses that model. `allowed_paths`: routes beyond the usual ones,
    without `/v1/`, exact or with `/*` for all below. `cost_limit_usd`: of all its jobs of thirty days.
    """

    name: Label | UnsetType = UNSET
    rule: Literal["default_only", "all", "off"] | UnsetType = UNSET
    fallback: Literal["stock", "fail"] | UnsetType = UNSET
    suspended: bool | UnsetType = UNSET
    allowed_paths: Annotated[tuple[Label, ...], Meta(max_length=1000)] | UnsetType = UNSET
    cost_limit_usd: Annotated[float, Meta(ge=0)] | UnsetType | None = UNSET


class ProviderOptions(Struct, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What a kind of provider needs besides its URL and key.

    `stream_usage` false: it does not take `stream_options`, so the usage of its streams stays unknown.
    `api_version`: azure_openai, its dated interface.
    `region`, `access_key_id`: bedrock; `api_key` is the secret access key, or without an id a Bedrock API key.
    `project`, `location`: vertex; `api_key` is a service account's JSON.
    `provider`: litellm; its name of the one provider that the key is for.
    """

    stream_usage: bool = True
    api_version: Option | None = None
    region: Option | None = None
    access_key_id: Option | None = None
    project: Option | None = None
    location: Option | None = None
    provider: Option | None = None


class ProviderPut(Struct, forbid_unknown_fields=True):
    """A provider: where calls go, and with which credential.

    `api_key` and `base_url` left out stay as they are. `default_model` is a stock model; calls that name none get it.
    """

    kind: Kind
    default_model: ModelName
    base_url: Label | None = None
    api_key: Annotated[str, Meta(min_length=1, max_length=8192)] | None = None
    is_default: bool | None = None
    options: ProviderOptions = ProviderOptions()

    def __post_init__(self) -> None:
        if self.api_key is not None:
            self.api_key = Secret(self.api_key)

    def __repr__(self) -> str:
        return f"ProviderPut({self.kind}, {self.base_url})"  # never the credential


class KeyPost(Struct, forbid_unknown_fields=True):
    """A key to be made. `expires_at`: RFC 3339 with a zone; without it the key holds until it is revoked."""

    role: Literal["caller", "service", "tenant_admin", "platform_admin"]
    label: Label = ""
    expires_at: str | None = None


VaultSecret = Annotated[str, Meta(min_length=1, max_length=16_384)]


class VaultOptions(Options, forbid_unknown_fields=True, frozen=True, omit_defaults=True):
    """What a Vault needs besides its URL, and its secrets.

    `fields`: where a record has what a chunk is made of. `ready_values`: the values of `status` that mean ready.
    `api`: http(s), the URL is an API's and not a file's. `query`: postgresql, one SELECT; each of its statements may
    take `statement_seconds`. `region`, `access_key_id`: s3. `endpoint_url`: s3 and gs, a server of another's.
    `anonymous`: s3 and gs, a public bucket.

    A secret left out stays as it is, null takes it away. `token`: http(s), a bearer's. `password`: of the user in the
    URL, where it may stand too. `secret_access_key`: s3. `service_account`: gs, its JSON as text.
    """

    token: VaultSecret | UnsetType | None = UNSET
    password: VaultSecret | UnsetType | None = UNSET
    secret_access_key: VaultSecret | UnsetType | None = UNSET
    service_account: VaultSecret | UnsetType | None = UNSET

    def __post_init__(self) -> None:
        for name in SECRETS:
            if isinstance(secret := getattr(self, name), str):
                msgspec.structs.force_setattr(self, name, Secret(secret))

    def __repr__(self) -> str:
        return "VaultOptions()"  # never the credential


class VaultPut(Struct, forbid_unknown_fields=True):
    """Where a Vault is. `url` lies under HOUSESTYLE_VAULT_ROOTS."""

    url: Annotated[str, Meta(min_length=1, max_length=2000)]
    options: VaultOptions = VaultOptions()

    def __post_init__(self) -> None:
        if not self.url.lower().startswith("file:"):
            self.url = Secret(self.url)  # there may be a password in it

    def __repr__(self) -> str:
        return f"VaultPut({masked_url(self.url)})"


class Hyperparameters(Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """As the OpenAI API has them; what is left out is the provider's choice."""

    n_epochs: Annotated[int, Meta(ge=1, le=50)] | Literal["auto"] | None = None
    batch_size: Annotated[int, Meta(ge=1, le=256)] | Literal["auto"] | None = None
    learning_rate_multiplier: Annotated[float, Meta(gt=0)] | Literal["auto"] | None = None


class JobOptions(Struct, forbid_unknown_fields=True, omit_defaults=True, frozen=True):
    """What may be asked of a job besides its hyperparameters.

    `redact`: what finds names, figures and the like to be replaced in the training text. `writer`: who makes the user's
    side of the examples; a `teacher`, the tenant's own stock model, sees the firm's documents, to which
    `teacher_consent` agrees. `validation_share`: of the chunks, kept from training to measure by. `cost_limit_usd`: the
    job fails before anything is spent where its estimate is above it. `price_per_million_tokens`: of training, in US
    dollars, where it is not known here. `keep_files`: the uploaded files stay at the provider when the job is over.
    """

    seed: Annotated[int, Meta(ge=0, le=2**31 - 1)] | None = None
    redact: Literal["rules", "presidio", "off"] = "rules"
    writer: Literal["rules", "teacher"] = "rules"
    teacher_consent: bool = False
    validation_share: Annotated[float, Meta(ge=0, le=0.5)] = 0.1
    cost_limit_usd: Annotated[float, Meta(ge=0)] | None = None
    price_per_million_tokens: Annotated[float, Meta(ge=0)] | None = None
    keep_files: bool = False


class JobPost(Struct, forbid_unknown_fields=True):
    """A job to be made.

    `provider` is the tenant's default and `base_model` that of shipped data, where they are left out.
    """

    label: Label
    backend: Backend
    provider: str | None = None
    base_model: ModelName | None = None
    hyperparameters: Hyperparameters = Hyperparameters()
    options: JobOptions = JobOptions()


class RecreatePost(Struct, forbid_unknown_fields=True):
    """A job's data set on another base model. What is left out is as it was in that job, `provider` its own."""

    base_model: ModelName
    label: Label | None = None
    provider: str | None = None
    hyperparameters: Hyperparameters | None = None
    options: JobOptions | None = None


class ImportPost(Struct, forbid_unknown_fields=True):
    """A fine-tuned model made elsewhere, as the provider names it."""

    label: Label
    provider: str
    model: ModelName
    base_model: ModelName


class ActivatePost(Struct, forbid_unknown_fields=True):
    """The share of the tenant's calls that the job's model answers; `checkpoint`: its id, or its model."""

    share: Share = 1.0
    checkpoint: Annotated[str, Meta(min_length=1, max_length=256)] | None = None


class AcceptPost(Struct, forbid_unknown_fields=True):
    """Which state holds: what the store has (the default, unless it is empty), or what the replicas know."""

    state: Literal["store", "replicas"] | None = None


class Empty(Struct, forbid_unknown_fields=True):
    """Nothing: `{}`."""


# out


class Recent(Struct):
    """The last hour's calls whose model could have been the fine-tuned one."""

    calls: int
    fine_tuned: int


class TenantView(Struct):
    """A tenant. `model` and `share` are the active job's; `revision` the one that changed it last."""

    id: str
    name: str
    rule: str
    fallback: str
    suspended: bool
    allowed_paths: tuple[str, ...]
    default_provider: str | None
    active_job: str | None
    share: float
    model: str | None
    cost_limit_usd: float | None
    revision: int
    recent: Recent
    created_at: str
    updated_at: str


class ProviderView(Struct):
    """A provider, without its secret."""

    name: str
    kind: str
    base_url: str
    default_model: str
    is_default: bool
    options: dict[str, Any]
    api_key_hint: str | None


class KeyView(Struct):
    """A key, without itself."""

    id: str
    role: str
    label: str
    tenant: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None = None


class NewKeyView(Struct):
    """A key, the one time that it is shown."""

    id: str
    key: str
    role: str
    label: str
    tenant: str | None
    created_at: str
    expires_at: str | None
    last_used_at: str | None = None

    def __post_init__(self) -> None:
        self.key = str(self.key)  # a Secret is not encoded

    def __repr__(self) -> str:
        return f"NewKeyView({self.id})"  # never the key


class VaultView(Struct, omit_defaults=True):
    """A Vault and what was counted in it when it was accepted. `options` only where there are any, secrets as `***`."""

    url: str
    ready_chunks: int
    other_chunks: int
    options: dict[str, Any] = {}


class BadRecordView(Struct):
    """A record of a Vault that cannot be read: where, and why (`not_json`, `not_an_object`, `missing_field`,
    `wrong_field` or `too_long`)."""

    place: str
    reason: str


class VaultTestView(Struct):
    """What was counted in a Vault that is not saved. `complete`: it was read to its end.

    `other_statuses`: how many of the other chunks have which status, the most common first. `bad_records`: cannot be
    read; they are other chunks too.
    """

    url: str
    ready_chunks: int
    other_chunks: int
    complete: bool
    other_statuses: dict[str, int]
    bad_records: int
    first_bad_record: BadRecordView | None


class JobView(Struct):
    """A fine-tune job. Its `status` goes from `queued` over `snapshotting`, `uploading` and `training` to `ready`,
    `failed` or `cancelled`.

    `progress`: of what takes long. `dataset`: what was made of the Vault. `checkpoints` can be activated as the job's
    last model can. `source_job`: whose data set it is trained on. `imported`: its model was made elsewhere. `consent`:
    to a teacher. `retires_at`: when the provider is to end the model.
    """

    id: str
    tenant: str
    label: str
    backend: str
    provider: str
    base_model: str
    status: str
    progress: Progress | None
    is_active: bool
    fine_tuned_model: str | None
    provider_job_id: str | None
    error: Notice | None
    warnings: tuple[Notice, ...]
    dataset: DatasetSummary | None
    checkpoints: tuple[Checkpoint, ...]
    hyperparameters: dict[str, Any]
    options: dict[str, Any]
    source_job: str | None
    imported: bool
    consent: Consent | None
    trained_tokens: int | None
    estimated_cost_usd: float | None
    retires_at: str | None
    created_by: str
    created_at: str
    updated_at: str
    finished_at: str | None


class BaseModelView(Struct):
    """A base model; `reason` why it cannot be tuned, `retires_at` its announced end."""

    model: str
    tunable: bool
    reason: str | None
    retires_at: str | None


class LineageView(Struct):
    """A job whose training saw a document: in how many of its chunks. `chunks` is null where what it was trained on is
    no longer kept, so that it cannot be said; then it may have."""

    job_id: str
    label: str
    status: str
    is_active: bool
    fine_tuned_model: str | None
    created_at: str
    chunks: int | None


class ActivationView(Struct):
    """What answers the tenant's calls from now on, and how far the change had come when this was answered.

    `deactivated`: the jobs that were active until now. `unreachable`: replicas that were seen in the last ten minutes,
    and are neither live nor gone by their own word. `durable`: the store has confirmed the change on disk.
    """

    tenant: str
    active_job: str | None
    model: str | None
    share: float
    revision: int
    deactivated: tuple[str, ...]
    replicas: int
    acknowledged: int
    unreachable: int
    propagation_ms: float
    durable: bool
    warnings: tuple[Notice, ...]


class ReplicaView(Struct):
    """A replica as it was seen last. `live`: within the last two seconds."""

    id: str
    live: bool
    revision: int
    seen_at: str
    version: str


class AcceptView(Struct):
    """Which state holds from `revision` on. `revoked_keys`: ids of keys that the store had and that are known to be
    revoked, which they stay."""

    state: str
    epoch: str
    revision: int
    revoked_keys: tuple[str, ...]
    rows_written: int
    replicas: int
    acknowledged: int


T = TypeVar("T")


class ListView(Struct, Generic[T]):
    """A page of a list. `next_cursor`: where the next one begins, null where there is none."""

    items: list[T]
    next_cursor: str | None = None
