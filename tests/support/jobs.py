"""Jobs without a gateway: a tenant and a job put into a store, a manager over the real backend, real workers."""

import asyncio
import base64
import contextlib
import ipaddress
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from finetune import records, told_models
from finetune.backends import unsupported
from finetune.backends.base import Factory
from finetune.backends.openai import OpenAIBackend
from finetune.manager import Manager
from finetune.records import Stored
from finetune.ticking import Tools
from finetune.told_models import ToldModels
from finetune.values import Job, encode
from gateway import price_lists
from gateway.admin.provider_models import ProviderModels
from gateway.secrets import Keyring
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import ProviderRow, TenantRow, VaultRow, tenant_row
from gateway.upstream.addresses import Guard
from gateway.vault_opening import VaultOpener
from gateway.worker_root import Providers, teacher_price
from tests.support.admin import BASE_MODEL, STOCK, unique
from tests.support.sandbox import Account
from tests.support.vaults import write_vault

NOW = "2026-11-22T12:00:00.000Z"
_KEY = b"k" * 32


def job_value(**changes: Any) -> Job:
    """A queued job."""
    fields: dict[str, Any] = {
        "id": "job_1",
        "tenant": "acme",
        "uid": "uid_1",
        "label": "Spring",
        "backend": "openai",
        "provider": "main",
        "base_model": BASE_MODEL,
        "status": "queued",
        "created_by": "key_1",
        "created_at": NOW,
        "updated_at": NOW,
        **changes,
    }
    return Job(**fields)


class Workshop:
    """A folder with Vaults and artifacts, and a store to put jobs in."""

    def __init__(self, store: Store, sandbox_url: str, folder: Path) -> None:
        self.store = store
        self.sandbox_url = sandbox_url
        self.folder = folder
        self.artifacts_url = (folder / "artifacts").as_uri()
        self.vault = write_vault(folder / "vaults" / "orchard.jsonl", 20)

    def manager(self, poll_seconds: float = 0.02, backend: Factory = OpenAIBackend) -> Manager:
        """A manager, with the sandbox as what its tenants' providers lead to."""
        guard, keyring = Guard((ipaddress.ip_network("127.0.0.0/8"),)), Keyring((_KEY,))
        providers = Providers(keyring, guard, None)
        models = ProviderModels(keyring, guard, None)
        told = ToldModels(self.store, told_models.Provider(models.told, models.account), pause=0)
        vaults = VaultOpener(keyring, guard, None, ((self.folder / "vaults").as_uri() + "/",))
        return Manager(
            Tools(
                self.store,
                access=providers.access,
                http=providers.http,
                backends={"openai": backend, **unsupported.factories()},
                artifacts_url=self.artifacts_url,
                open_vault=vaults.open,
                ask=providers.ask,
                dates=told.dates,
                known_dates=told.known,
                teacher_price=partial(teacher_price, price_lists.load(None)),
                poll_seconds=poll_seconds,
            )
        )

    async def new_job(self, *, api_key: str | None = None, **changes: Any) -> tuple[Job, Account]:
        """A tenant of its own with a provider, a Vault and a queued job; and its account at the sandbox."""
        tenant = unique("firm")
        secret = api_key or f"sk-{tenant}"
        sealed = Keyring((_KEY,)).seal(secret, tenant=tenant, field="providers/main/api_key")
        row = TenantRow(
            tenant,
            NOW,
            NOW,
            default_provider="main",
            providers={"main": ProviderRow("openai_compatible", f"{self.sandbox_url}/v1", STOCK, sealed)},
            vault=VaultRow(self.vault.as_uri(), 20, 0),
        )
        ids = {"id": records.new_id("job"), "uid": records.new_id("uid"), "tenant": tenant, "since": records.now()}
        job = job_value(**{**ids, **changes})
        await self.store.commit([Write(keys.TENANTS, tenant, None, msgspec.json.encode(row)), *records.creation(job)])
        return job, Account(self.sandbox_url, secret)

    async def another_job(self, job: Job, **changes: Any) -> Job:
        """A queued job of the same tenant, made as that one was."""
        fields: dict[str, Any] = {
            "id": records.new_id("job"),
            "uid": records.new_id("uid"),
            "tenant": job.tenant,
            "since": records.now(),
            "options": job.options,
            **changes,
        }
        made = job_value(**fields)
        await self.store.commit(records.creation(made))
        return made

    async def load(self, job: Job) -> Job:
        """The job as it stands."""
        return (await self.stored(job)).job

    async def stored(self, job: Job) -> Stored:
        """The job and its row."""
        found = await records.load(self.store, job.tenant, job.id)
        assert found is not None
        return found

    async def tenant(self, job: Job) -> TenantRow:
        """The job's tenant."""
        row = await self.store.row(keys.TENANTS, job.tenant)
        assert row is not None
        return tenant_row(row)

    async def change(self, job: Job, **changes: Any) -> None:
        """Changes the job's record, as the admin API does."""
        found = await self.stored(job)
        await self.store.commit(
            [Write(keys.jobs_of(job.tenant), job.id, found.row, encode(replace(found.job, **changes)))]
        )

    async def change_tenant(self, job: Job, **changes: Any) -> None:
        """Changes the tenant's row."""
        row = await self.store.row(keys.TENANTS, job.tenant)
        assert row is not None
        after = msgspec.json.encode(replace(tenant_row(row), **changes))
        await self.store.commit([Write(keys.TENANTS, job.tenant, row, after)])

    def environ(self) -> dict[str, str]:
        """The settings of a worker process."""
        environ = {name: value for name, value in os.environ.items() if not name.startswith(("HOUSESTYLE_", "OTEL_"))}
        return environ | {
            "HOUSESTYLE_REDIS_URL": self.store.url,
            "HOUSESTYLE_DATA_DIR": str(self.folder),
            "HOUSESTYLE_ENCRYPTION_KEYS": base64.b64encode(_KEY).decode(),
            "HOUSESTYLE_ARTIFACTS_URL": self.artifacts_url,
            "HOUSESTYLE_UPSTREAM_ALLOW": "127.0.0.0/8",
            "HOUSESTYLE_POLL_SECONDS": "0.05",
            "OTEL_TRACES_EXPORTER": "none",
        }

    @property
    def log(self) -> Path:
        """What its workers said."""
        return self.folder / "worker.log"

    @contextlib.contextmanager
    def worker(self) -> Iterator["subprocess.Popen[bytes]"]:
        """A worker process, ended at the end if nobody killed it before."""
        with self.log.open("ab") as log:
            command = [sys.executable, "-m", "gateway", "worker"]
            process = subprocess.Popen(command, env=self.environ(), stdout=log, stderr=log)
            try:
                yield process
            finally:
                if process.poll() is None:
                    process.terminate()
                    try:
                        process.wait(15)
                    except subprocess.TimeoutExpired:
                        process.kill()
                process.wait()


async def run(manager: Manager, job: Job, seconds: float = 30) -> int:
    """Ticks a job until it is over; the number of ticks. Pauses are cut short."""
    deadline = time.monotonic() + seconds
    ticks = 0
    while True:
        again = await manager.tick(job.tenant, job.id)
        ticks += 1
        if again is None:
            return ticks
        assert time.monotonic() < deadline, f"not over after {ticks} ticks"
        await asyncio.sleep(min(again, 0.1))
