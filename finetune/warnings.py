"""What is learnt of a job after it is `ready`, written to it behind the calls that learnt it. Nobody waits for it."""

import asyncio

import structlog

from finetune import records, states
from gateway.store.connection import Conflict, Store, StoreUnavailable

log = structlog.get_logger(__name__)

_RETRY_SECONDS = 1.0
_MAX_WAITING = 10_000


class JobWarnings:
    """A warning stands once on a job for each of its codes, however often it is put."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._waiting: dict[tuple[str, str], str] = {}  # (tenant, job) → the model that was refused
        self._some = asyncio.Event()

    def model_refused(self, tenant: str, job_id: str, model: str) -> None:
        """The provider refused the job's model to a call, which went to the stock model instead."""
        if len(self._waiting) < _MAX_WAITING:
            self._waiting[tenant, job_id] = model
            self._some.set()

    async def run(self) -> None:
        """Writes until it is cancelled. While the store is away, what was put waits."""
        while True:
            await self._some.wait()
            self._some.clear()
            for (tenant, job_id), model in list(self._waiting.items()):
                try:
                    await self._write(tenant, job_id, model)
                except (StoreUnavailable, Conflict):
                    self._some.set()
                    await asyncio.sleep(_RETRY_SECONDS)
                    continue
                except Exception:  # one job that cannot be read must not keep the others' warnings from them
                    log.exception("warning_lost", tenant=tenant, job_id=job_id)
                del self._waiting[tenant, job_id]

    async def _write(self, tenant: str, job_id: str, model: str) -> None:
        stored = await records.load(self._store, tenant, job_id)
        if stored is None or any(warning.code == "model_refused" for warning in stored.job.warnings):
            return
        words = f"The provider refused the model {model} to a call; the stock model answers in its place."
        await records.save(self._store, stored, states.warn(stored.job, "model_refused", words), ("warning", words))
