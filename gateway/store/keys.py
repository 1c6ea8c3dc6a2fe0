"""The names of all keys. One prefix with one hash tag: every script is atomic, and a Redis Cluster accepts it."""

PREFIX = "{housestyle}"

META = f"{PREFIX}:meta"  # hash: see marks.FIELDS
CHANGES = f"{PREFIX}:changes"  # stream: one entry a revision, its id is `<revision>-0`
AUDIT = f"{PREFIX}:audit"  # stream: who changed what; a tenant's own lines once more in `audit_of`
REPLICAS = f"{PREFIX}:replicas"  # hash: replica id → applied revision, last seen, version
LAST_USED = f"{PREFIX}:last-used"  # hash: key id → milliseconds since the epoch
WAKE = f"{PREFIX}:wake"  # list: jobs that want a tick now
PROGRESS = f"{PREFIX}:progress"  # hash: job id → how far the work of its state has come
TOLD = f"{PREFIX}:told-models"  # hash: `tenant/provider` → what the provider told of its models' ends
RETIRING = f"{PREFIX}:retiring"  # sorted set: `tenant/job id` of ready jobs → their models' ends, in seconds
ENDED_JOBS = f"{PREFIX}:ended-jobs"  # hash: status → jobs that have ended in it
DOCKET = f"{PREFIX}:docket"  # pydocket's own keys lie under this name

# Tables that every replica holds in memory and follows.
TENANTS = "tenant"
KEYS = "key"
BOOTSTRAP = "bootstrap"  # what HOUSESTYLE_BOOTSTRAP's entries were when they were applied last
FOLLOWED = (TENANTS, KEYS, BOOTSTRAP)
# The row of BOOTSTRAP that a key leaves which no file has applied.
TOMBSTONE = b'{"path":"","sealed":""}'

LIVE_JOBS = "jobs-live"  # job id → tenant
LEAVING = "tenants-leaving"  # a deleted tenant whose jobs may not be over → `keep` or `erase` what it left


def table(name: str) -> str:
    """The hash that holds a table's rows."""
    return f"{PREFIX}:table:{name}"


def keys_of(tenant: str) -> str:
    """The table that lists the ids of a tenant's keys; "" lists the platform's."""
    return f"keys-of:{tenant}"


def former_keys_of(tenant: str) -> str:
    """The table of what a tenant's revoked keys were called, by their ids; "" has the platform's."""
    return f"former-keys-of:{tenant}"


def bootstrap_key(sha256: str) -> str:
    """The row of BOOTSTRAP that keeps the key of this SHA-256, in hex, from being made once more by a file."""
    return f"keys.key_{sha256[:32]}"


def jobs_of(tenant: str) -> str:
    """The table of a tenant's jobs."""
    return f"jobs:{tenant}"


def curves_of(tenant: str) -> str:
    """The table of the training curves of a tenant's jobs."""
    return f"curves:{tenant}"


def first_answers_of(tenant: str) -> str:
    """The table of a tenant's idempotency keys and what they were answered with."""
    return f"idempotency:{tenant}"


def asking(field: str) -> str:
    """The claim of the worker that is asking a provider, named as in TOLD, for its models."""
    return f"{PREFIX}:asking:{field}"


def job_member(tenant: str, job_id: str) -> str:
    """A job as RETIRING names it."""
    return f"{tenant}/{job_id}"


def audit_of(tenant: str) -> str:
    """The stream of what was changed of a tenant: the same entries, under the same ids, as in AUDIT."""
    return f"{AUDIT}:{tenant}"


def ended_session(session: str) -> str:
    """Says that a session of the admin page was ended before its time."""
    return f"{PREFIX}:session-ended:{session}"


def timeline_of(job_id: str) -> str:
    """The stream of a job's events."""
    return f"{PREFIX}:timeline:{job_id}"


def why_of(tenant: str) -> str:
    """The stream of a tenant's Why records."""
    return f"{PREFIX}:why:{tenant}"


def recent_of(tenant: str, minute: int) -> str:
    """The hash that counts a tenant's calls of one minute since the epoch."""
    return f"{PREFIX}:recent:{tenant}:{minute}"


def why_writer(writer: str) -> str:
    """The number of the last batch that a writer of Why records has written."""
    return f"{PREFIX}:why-writer:{writer}"


def why_days_of(tenant: str) -> str:
    """The sorted set of the days, `YYYY-MM-DD`, of which a tenant's calls are counted; its scores are `YYYYMMDD`."""
    return f"{PREFIX}:why-days:{tenant}"


def why_day_of(tenant: str, day: str) -> str:
    """The hash that counts a tenant's calls of a day in UTC: `<metric> [fine_tuned, model, workflow]` → a number."""
    return f"{PREFIX}:why-day:{tenant}:{day}"
