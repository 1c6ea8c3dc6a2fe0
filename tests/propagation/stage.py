"""What these tests run on: one Redis, several gateways that are processes of their own, nginx before them, and a
provider that keeps what it received. Tenants are made by the admin API; `ready` jobs are put into the store.
"""

import asyncio
import base64
import contextlib
import itertools
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import httpx2
import msgspec
from msgspec import Struct

from finetune import activation, records
from finetune.values import encode
from gateway.store import keys
from gateway.store.connection import Store, Write
from gateway.store.rows import tenant_row
from tests.bench.running import free_port, module
from tests.propagation.distance import far_from
from tests.propagation.provider import Arrival
from tests.support.admin import NO_TLS, STOCK, Admin
from tests.support.firms import Firm
from tests.support.jobs import NOW, job_value
from tests.support.nginx import balancing
from tests.support.processes import Program, gateway_environ, running, wait_until
from tests.support.raw import Answer, Raw
from tests.support.redis import Stoppable, stoppable
from tests.support.servers import in_thread

T = TypeVar("T")

_CALLS = itertools.count()


class Job(Struct, frozen=True):
    """A `ready` job."""

    id: str
    model: str


class Call(Struct, frozen=True):
    """A call that is over, and what the provider received of it: more than once where it was sent again."""

    status: int
    received: list[Arrival]

    @property
    def model(self) -> str | None:
        """The model that the provider received; None where it was not asked."""
        return self.received[-1].model if self.received else None


class Stage:
    """Everything that runs. `url` is nginx's; `admin` goes through it too."""

    def __init__(self, folder: Path, redis: Stoppable, provider: str) -> None:
        self.redis = redis
        self.provider = provider
        self.replicas: list[Program] = []
        self.url = ""
        self.admin: Admin
        self._folder = folder
        self._environ = gateway_environ(
            folder,
            HOUSESTYLE_ENCRYPTION_KEYS=base64.b64encode(os.urandom(32)).decode(),
            HOUSESTYLE_ARTIFACTS_URL=(folder / "artifacts").as_uri(),
        )

    @contextlib.contextmanager
    def replica(self, port: int = 0, *more: str, redis: str = "") -> Iterator[Program]:
        """One more gateway, which nginx does not know; `redis` is another URL of the same Redis."""
        log = Path(tempfile.mkdtemp(dir=self._folder)) / "log"
        environ = {**self._environ, "HOUSESTYLE_REDIS_URL": redis or self.redis.url}
        with running(["serve", "--port", str(port), *more], environ, log) as program:
            yield program

    def firm(self) -> Firm:
        """A new tenant with a caller's key, the provider its own."""
        return Firm(self.admin, self.provider)

    def ready_job(self, firm: Firm) -> Job:
        """A `ready` job of the firm's, as if it had been trained."""
        return asyncio.run(self._put_job(firm.name))

    async def _put_job(self, tenant: str) -> Job:
        job_id = records.new_id("job")
        job = job_value(
            id=job_id,
            tenant=tenant,
            status="ready",
            fine_tuned_model=f"ft:{STOCK}-2024-07-18:org::{job_id[-8:]}",
            finished_at=NOW,
        )
        store = Store(self.redis.url)
        try:
            row = await store.row(keys.TENANTS, tenant)
            assert row is not None
            after = activation.known(tenant_row(row), job, None, now=NOW)
            made = Write(keys.jobs_of(tenant), job.id, None, encode(job))
            await store.commit([Write(keys.TENANTS, tenant, row, msgspec.json.encode(after)), made])
        finally:
            await store.close()
        return Job(job.id, str(job.fine_tuned_model))

    def call(self, url: str, key: str, model: str = STOCK, *headers: str) -> Call:
        """A call at `url` on a connection of its own."""
        name = new_call()
        with Raw(url) as caller:
            status = ask(caller, name, key, model, *headers).status
        return Call(status, self._asked(f"/calls/{name}", list[Arrival]))

    def everywhere(self, firm: Firm, model: str = STOCK, *headers: str) -> list[Call]:
        """The same call at each replica, past nginx."""
        return [self.call(replica.url, firm.key, model, *headers) for replica in self.replicas]

    def received(self) -> dict[str, list[Arrival]]:
        """All that the provider received, by call."""
        return self._asked("/calls", dict[str, list[Arrival]])

    def live(self) -> int:
        """How many replicas are live."""
        return sum(seen["live"] for seen in self.admin.get("/replicas"))

    def _asked(self, path: str, kind: type[T]) -> T:
        answer = httpx2.get(f"{self.provider}{path}", verify=NO_TLS, timeout=30)
        return msgspec.json.decode(answer.content, type=kind)


def new_call() -> str:
    """A name that no other call of this process has."""
    return f"call-{next(_CALLS)}"


def ask(caller: Raw, name: str, key: str, model: str = STOCK, *headers: str) -> Answer:
    """A call on a connection that may be used again."""
    messages = [{"role": "user", "content": "Draft a clause on notices."}]
    body = msgspec.json.encode({"model": model, "messages": messages, "metadata": {"call": name}})
    more = (f"authorization: Bearer {key}", "content-type: application/json", *headers)
    return caller.ask("POST", "/v1/chat/completions", *more, body=body)


@contextlib.contextmanager
def staged(near: int, far: int = 0) -> Iterator[Stage]:
    """All of it, so many replicas near Redis and others far from it. Raises debian.Missing where there is no nginx."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="housestyle-propagation-")))
        redis = stack.enter_context(stoppable(folder / "redis"))
        _, ports = stack.enter_context(module("tests.propagation.provider"))
        stage = Stage(folder, redis, f"http://127.0.0.1:{ports[0]}")
        distance = far_from(redis.url, folder / "far") if far else contextlib.nullcontext(redis.url)
        away = stack.enter_context(in_thread(distance))
        stage.replicas = [stack.enter_context(stage.replica(redis=url)) for url in [redis.url] * near + [away] * far]
        gateways = [replica.url for replica in stage.replicas]
        stage.url = stack.enter_context(balancing(folder / "nginx", free_port(), gateways))
        stage.admin = stack.enter_context(Admin(stage.url))
        wait_until(lambda: stage.live() == near + far, 20, "live replicas")
        yield stage
