"""What the steps of a job share: the tick under way, and what it needs of the rest of the house. No step is here."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import httpx2
from msgspec import Struct

from finetune import records
from finetune.backends.base import Access, Backend, Factory, Refused
from finetune.cost import TeacherPrice
from finetune.dataset.outcomes import Ask
from finetune.records import Stored
from finetune.retirement import Dates
from finetune.steps import Ending
from finetune.values import Job
from finetune.vaults import Vault
from gateway.store.connection import Store
from gateway.store.rows import Row, TenantRow


class Tools(Struct, frozen=True):
    """What is handed in.

    `access` opens a tenant's provider (None: it has none of that name). `open_vault` opens its Vault; raises
    VaultNotAllowed, VaultUnreadable. `ask` gives what asks its stock model, from any thread. `dates` tells
    what is known of the retirement of its provider's models, which is asked; `known_dates` asks nobody. `teacher_price`
    tells what a model's answers cost at a provider of a kind.
    """

    store: Store
    access: Callable[[TenantRow, str], Access | None]
    http: Callable[[], httpx2.AsyncClient]
    backends: dict[str, Factory]
    artifacts_url: str
    open_vault: Callable[[TenantRow], Vault]
    ask: Callable[[TenantRow, str], AbstractAsyncContextManager[Ask]]
    dates: Callable[[TenantRow, str], Awaitable[Dates]]
    known_dates: Callable[[TenantRow, str], Awaitable[Dates]]
    teacher_price: Callable[[str, str], TeacherPrice | None]
    poll_seconds: float

    def artifact(self, job: Job) -> str:
        """The folder of a job's data set."""
        return records.artifact_of(self.artifacts_url, job)

    def access_of(self, tenant: TenantRow, name: str) -> Access:
        """The tenant's provider. Raises Refused."""
        found = self.access(tenant, name)
        if found is None:
            raise Refused("provider_not_configured", f"The tenant has no provider {name!r}.")
        return found

    def factory(self, job: Job) -> Factory:
        """What makes the job's backend. Raises Refused."""
        made = self.backends.get(job.backend)
        if made is None:
            words = f"Fine-tuning with the backend {job.backend} is not supported yet."
            raise Refused("backend_not_supported_yet", words)
        return made

    @asynccontextmanager
    async def backend(self, tick: "Tick") -> AsyncIterator[Backend]:
        """The job's backend, closed at the end. Raises Refused."""
        backend = self.factory(tick.job)(self.access_of(tick.tenant, tick.job.provider), self.http())
        try:
            yield backend
        finally:
            await backend.close()


class Tick(Struct):
    """A tick under way: the job as last loaded or saved, and the tenant that it belongs to. `overdue` in seconds."""

    stored: Stored
    row: Row
    tenant: TenantRow
    overdue: float = 0.0

    @property
    def job(self) -> Job:
        """The job as it stands in the store."""
        return self.stored.job

    @property
    def ending(self) -> Ending | None:
        """Why the job is to end, if it is: its admin says so, its tenant is gone, it has taken too long."""
        if self.job.cancel_requested or self.tenant.deleted:
            return "cancelled"
        return "deadline_exceeded" if self.overdue else None
