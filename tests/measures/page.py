"""How long each screen of the admin page takes where a firm has many jobs and many Why records.

`python -m tests.measures.page 500 100000` prints a line for each screen: twenty requests one after the other, each from
its request to its last byte. Not run by default. The API's own answers are `why.py`'s.
"""

import asyncio
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from msgspec.structs import replace

from finetune import records as jobs_store
from finetune.values import encode
from gateway import timestamps
from gateway.store import keys
from gateway.store.connection import Store, Write
from tests.measures.why import made, say, write
from tests.page.web import HOME, SIGN_IN, Web
from tests.support.admin import BASE_MODEL, Admin
from tests.support.firms import Firm
from tests.support.processes import ADMIN_KEY, gateway_environ, running
from tests.support.vaults import demo_vault
from tests.support.why import TENANT

TIMES = 20
LIMIT_MS = 300
FIRMS = 50
_BATCH = 100


async def _multiply(url: str, job: Any, count: int) -> str:
    """Puts the job into the store under `count` - 1 older ids. The id after which the last page begins."""
    store = Store(url)
    stored = await jobs_store.load(store, TENANT, job["id"])
    assert stored is not None
    began = time.time() - count * 60
    copies = [
        replace(stored.job, id=f"job_{int((began + number) * 1000):012x}{number:020x}", label=f"Trial {number}")
        for number in range(count - 1)
    ]
    for start in range(0, len(copies), _BATCH):
        writes = [Write(keys.jobs_of(TENANT), one.id, None, encode(one)) for one in copies[start : start + _BATCH]]
        await store.commit(writes, tenant=TENANT)
    await store.close()
    return copies[20].id


def _screens(job: Any, last: str, call_id: str) -> dict[str, str]:
    """Every screen of somebody who is signed in, and where it is."""
    home = f"{HOME}/{TENANT}"
    own = f"{home}/jobs/{job['id']}"
    order = urlencode({"label": "Winter", "backend": "openai", "provider": "main", "base_model": BASE_MODEL})
    day = timestamps.from_seconds(time.time() - 40 * 86_400)[:10]
    return {
        "firms": HOME,
        "models, newest jobs": home,
        "models, oldest jobs": f"{home}?cursor={last}",
        "a job": own,
        "activate": f"{own}/activate",
        "use stock model": f"{home}/stock",
        "new job": f"{home}/new",
        "new job, before its preview": f"{home}/new/preview?{order}",
        "Why trace": f"{home}/why",
        "Why trace, one call, the oldest": f"{home}/why/{call_id}",
        "Why trace, a trace that is not there": f"{home}/why?id={'b' * 32}",
        "Why trace, a rare workflow": f"{home}/why?workflow=rare",
        "Why trace, a job's calls": f"{home}/why?job_id=job_0123456789abcdef&fine_tuned=true",
        "Why trace, until long ago": f"{home}/why?until={day}",
        "settings": f"{home}/settings",
        "settings, provider": f"{home}/settings/providers/main",
        "settings, Vault": f"{home}/settings/vault",
        "settings, new key": f"{home}/settings/key",
        "settings, audit log": f"{home}/settings/audit",
        "new job, its preview of 57 chunks (made once, then kept)": f"{home}/new/sample?{order}",
    }


def _measure(web: Web, name: str, path: str) -> None:
    took = []
    for _ in range(TIMES):
        began = time.perf_counter()
        answer = web.get(path)
        took.append((time.perf_counter() - began) * 1000)
        assert answer.status_code == 200, answer.text
    met = "" if max(took) <= LIMIT_MS else f"  over {LIMIT_MS} ms"
    size = len(answer.content) / 1000
    say(f"{name}: median {statistics.median(took):.0f} ms, longest {max(took):.0f} ms; {size:.0f} KB{met}")


def main(jobs: int, calls: int) -> None:
    """All of it."""
    records = made(calls)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        sandbox = stack.enter_context(running(["sandbox", "--port", "0", "--step-seconds", "0.05"], {}, folder / "s"))
        gateway = stack.enter_context(running(["serve", "--port", "0"], gateway_environ(folder), folder / "log"))
        admin = stack.enter_context(Admin(gateway.url))
        redis = f"unix://{folder}/redis.sock"
        asyncio.run(write(redis, records))
        for number in range(FIRMS - 1):
            admin.put(f"/tenants/firm-{number}", {"name": f"Firm {number}"})
        firm = Firm(admin, sandbox.url, tenant=TENANT, vault=demo_vault(folder))
        job = firm.ready_job(label="Spring 2027")
        firm.activate(job)
        last = asyncio.run(_multiply(redis, job, jobs))
        say(f"{jobs} jobs, {calls} Why records, {FIRMS} firms; {TIMES} requests each")
        web = stack.enter_context(Web(gateway.url, "127.0.0.1"))
        _measure(web, "sign-in", SIGN_IN)
        web.signed_in(ADMIN_KEY)
        for name, path in _screens(job, last, records[0].call_id).items():
            _measure(web, name, path)


if __name__ == "__main__":
    main(*(int(one) for one in sys.argv[1:]) if len(sys.argv) > 1 else (500, 100_000))
