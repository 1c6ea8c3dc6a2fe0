"""docs/backup.md, its commands run as they stand there: a real Redis is backed up, lost and restored under gateways
that go on answering; everything is back, and what was revoked meanwhile stays revoked."""

import base64
import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.operations.pages import Page
from tests.support.admin import NO_TLS, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, Program, gateway_environ, running, wait_until
from tests.support.redis import Server, free_port, serving
from tests.support.vaults import write_vault

PAGE = Page("backup.md")


def readiness(program: Program) -> Any:
    """What a replica says of itself."""
    return httpx2.get(f"{program.url}/readyz", verify=NO_TLS).json()


class Site:
    """A firm's platform: Redis in a folder of its own, artifacts, and what the page's commands are told of them."""

    def __init__(self, folder: Path, redis: Server, data: Path) -> None:
        self.folder = folder
        self.redis = redis
        self.artifacts = folder / "artifacts"
        self.artifacts.mkdir()
        self.vault = write_vault(folder / "vaults" / "orchard.jsonl", 12)
        self.gateway_environ = gateway_environ(
            folder / "gateway",
            HOUSESTYLE_REDIS_URL=redis.url,
            HOUSESTYLE_ENCRYPTION_KEYS=base64.b64encode(os.urandom(32)).decode(),
            HOUSESTYLE_ARTIFACTS_URL=self.artifacts.as_uri(),
            HOUSESTYLE_VAULT_ROOTS=f"{(folder / 'vaults').as_uri()}/",
        )
        self.shell = {
            **self.gateway_environ,
            "REDIS": f"-p {redis.port}",
            "DIR": str(data),
            "ARTIFACTS": str(self.artifacts),
            "BACKUP": str(folder / "backup"),
        }

    @contextlib.contextmanager
    def worker(self) -> Iterator[None]:
        """A job worker, as it is deployed apart."""
        words = [sys.executable, "-m", "gateway", "worker"]
        with (
            (self.folder / "worker").open("ab") as log,
            subprocess.Popen(words, env={**os.environ, **self.gateway_environ}, stdout=log, stderr=log) as worker,
        ):
            try:
                yield
            finally:
                worker.terminate()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """One of them, its Redis running."""
    data = tmp_path / "redis-data"
    data.mkdir()
    with serving(tmp_path / "redis", f"dir {data}", "appendonly yes", "appendfsync always") as redis:
        yield Site(tmp_path, redis, data)


@pytest.fixture
def pair(site: Site) -> Iterator[tuple[Program, Program]]:
    """Two replicas, both live."""
    words = ["serve", "--port", "0"]
    with (
        running(words, site.gateway_environ, site.folder / "a") as one,
        running(words, site.gateway_environ, site.folder / "b") as two,
        Admin(one.url) as admin,
    ):
        wait_until(lambda: sum(seen["live"] for seen in admin.get("/replicas")) == 2, 20, "two live replicas")
        yield one, two


class Known:
    """What a firm has at the time of the backup, as its admin sees it."""

    def __init__(self, admin: Admin, firm: Firm, job: Any) -> None:
        self.tenant = admin.get(firm.path)
        self.keys = admin.get(f"{firm.path}/keys")["items"]
        self.job = admin.get(firm.job_path(job))
        self.timeline = admin.get(f"{firm.job_path(job)}/events")
        self.manifest = admin.get(f"{firm.job_path(job)}/manifest")
        self.audit = admin.get(f"{firm.path}/audit")["items"]
        self.why = admin.get(f"{firm.path}/why")["items"]


def without_use(keys: Any) -> Any:
    """Keys without when they were used last: calls go on."""
    return [{**one, "last_used_at": None} for one in keys]


def test_everything_is_back_and_what_was_revoked_stays_so(
    site: Site, pair: tuple[Program, Program], sandbox: Program
) -> None:
    with Admin(pair[0].url) as admin, Admin(pair[1].url) as other, contextlib.ExitStack() as stack:
        firm = Firm(admin, sandbox.url, vault=site.vault, name="As it was")
        stack.callback(firm.close)
        with site.worker():
            job = firm.ready_job()
        firm.activate(job)
        leaver = admin.post(f"{firm.path}/keys", {"role": "caller", "label": "Leaver"})
        called = {firm.call()[1]["x-call-id"] for _ in range(5)}
        wait_until(lambda: len(admin.get(f"{firm.path}/why")["items"]) == 5, 10, "the calls' Why records")
        before = Known(admin, firm, job)

        PAGE.run("back up", environ=site.shell)

        admin.delete(f"{firm.path}/keys/{leaver['id']}")
        admin.put(firm.path, {"name": "As it is"})
        admin.put(f"/tenants/{unique('later')}", {})
        firm.use_stock()
        lost = firm.call()[1]["x-call-id"]
        wait_until(lambda: admin.ask("GET", f"{firm.path}/why/{lost}").status_code == 200, 10, "its Why record")
        shutil.rmtree(site.artifacts)

        site.redis.stop()
        PAGE.run("put aside", "load", environ=site.shell)
        site.redis.start()
        PAGE.run("put back", environ=site.shell)

        for program in pair:
            wait_until(lambda program=program: readiness(program)["store"] == "diverged", 20, "both to notice")  # type: ignore[misc]
        assert firm.say().headers["x-fine-tuned"] == "false", "what the replicas know: stock"
        assert other.refused("PUT", firm.path, {"name": "No"})[:2] == (503, "store_diverged")

        accepted = PAGE.run("accept", environ={**site.shell, "GATEWAY": pair[0].url})
        assert leaver["id"] in accepted
        for program in pair:
            wait_until(lambda program=program: readiness(program)["store"] == "connected", 20, "both to follow")  # type: ignore[misc]

        after = Known(other, firm, job)
        assert (after.tenant["name"], after.tenant["active_job"]) == ("As it was", job["id"])
        assert without_use(after.keys) == without_use([one for one in before.keys if one["id"] != leaver["id"]])
        assert (after.job, after.timeline, after.manifest) == (before.job, before.timeline, before.manifest)
        assert after.audit == before.audit
        assert called <= {one["call_id"] for one in after.why}
        assert lost not in {one["call_id"] for one in after.why}
        answer = firm.say()
        assert (answer.status_code, answer.headers["x-fine-tuned"]) == (200, "true")
        assert answer.headers["x-model-reason"] == "active_job"
        assert firm.say(headers={"authorization": f"Bearer {leaver['key']}"}).status_code == 401
        assert other.ask("PUT", firm.path, {"name": "Goes on"}).headers["x-acknowledged"] == "2"
        [record] = [one for one in admin.get("/audit")["items"] if one["action"] == "store.accept"]
        assert record["after"] == {"state": "store"}


def test_a_backup_is_tried_and_alone_knows_nothing_of_what_was_revoked_later(site: Site, sandbox: Program) -> None:
    words = ["serve", "--port", "0"]
    with running(words, site.gateway_environ, site.folder / "a") as program, Admin(program.url) as admin:
        firm = Firm(admin, sandbox.url)
        leaver = admin.post(f"{firm.path}/keys", {"role": "caller"})
        PAGE.run("back up", environ=site.shell)
        admin.delete(f"{firm.path}/keys/{leaver['id']}")
    port = str(free_port())
    tried = Page("backup.md")
    tried.blocks["ask"] = tried.blocks["ask"].replace("6399", port)
    try:
        said = tried.run("try", "load", "ask", environ=site.shell)
        assert "ok     store: 1 tenants" in said, said
        assert "All 1 sealed secrets open" in said
        fresh = {**site.gateway_environ, "HOUSESTYLE_REDIS_URL": f"redis://127.0.0.1:{port}"}
        with running(words, fresh, site.folder / "c") as program:
            assert readiness(program)["store"] == "connected"
            again = httpx2.post(
                f"{program.url}/v1/chat/completions",
                json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Write a clause."}]},
                headers={"authorization": f"Bearer {leaver['key']}"},
                verify=NO_TLS,
            )
            assert again.status_code == 200, "as the page warns"
    finally:
        shell = {**site.shell, "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
        subprocess.run(["redis-cli", "-p", port, "SHUTDOWN", "NOSAVE"], env=shell, check=False)


def test_the_embedded_redis_is_backed_up_while_it_runs(tmp_path: Path, sandbox: Program) -> None:
    data = tmp_path / "data"
    environ = gateway_environ(data)
    shell = {
        "HOUSESTYLE_ADMIN_KEY": ADMIN_KEY,
        "REDIS": f"-s {socket_of(data)}",
        "DIR": str(data / "redis"),
        "ARTIFACTS": str(data / "artifacts"),
        "BACKUP": str(tmp_path / "backup"),
    }
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as program, Admin(program.url) as admin:
        firm = Firm(admin, sandbox.url, name="As it was")
        (data / "artifacts").mkdir(exist_ok=True)
        shell["REDIS"] = f"-s {socket_of(data)}"
        PAGE.run("back up", environ=shell)
        admin.put(firm.path, {"name": "As it is"})
    PAGE.run("put aside", "load", "put back", environ=shell)
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as program, Admin(program.url) as admin:
        firm.move_to(admin)
        assert admin.get(firm.path)["name"] == "As it was"
        assert firm.say().status_code == 200


def socket_of(data: Path) -> Path:
    """Where the embedded Redis listens, as the page says."""
    note = data / "socket-directory"
    return (Path(note.read_text()) if note.exists() else data) / "redis.sock"
