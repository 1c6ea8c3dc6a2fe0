"""Redis has no room left (`maxmemory`, `noeviction`): calls are answered, changes refused, nothing is lost once there
is room again. docs/operations.md says what to do meanwhile."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
import redis

from tests.page.web import HOME, SIGN_IN, Web
from tests.propagation.stage import Stage
from tests.support.admin import NO_TLS, Admin
from tests.support.callers import answer_either
from tests.support.processes import ADMIN_KEY, wait_until
from tests.support.redis import stoppable
from tests.support.servers import in_thread
from tests.support.upstream import upstream


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    """A Redis, and a provider that answers at once."""
    with in_thread(upstream(answer_either)) as provider, stoppable(tmp_path / "redis") as server:
        yield Stage(tmp_path, server, provider.url)


def look_at_the_page(url: str, path: str) -> None:
    """It says what it is; one can look, and sign in and out."""
    with Web(url, "192.0.2.1") as web:
        web.signed_in(ADMIN_KEY)
        for screen in ("", "/why", "/settings", "/settings/audit", "/new"):
            assert web.get(path + screen).status_code == 200, screen
        token = web.token(path)
        answer = web.post(f"{path}/stock", token)
        assert answer.status_code == 503
        assert "store is full" in answer.text
        assert "more memory" in answer.text
        assert web.post("/admin/sign-out", token).headers["location"] == f"{SIGN_IN}?left=1"
        assert web.get(path).headers["location"].startswith(SIGN_IN)


def test_a_full_redis_fails_no_call_and_loses_nothing(stage: Stage) -> None:
    with stage.replica() as gateway, Admin(gateway.url) as admin:
        stage.admin = admin
        firm = stage.firm()
        job = stage.ready_job(firm)
        admin.post(f"{firm.path}/jobs/{job.id}/activate", {"share": 1})

        stage.redis.set("maxmemory", "1000")
        called = {firm.say().headers["x-call-id"] for _ in range(5)}
        answer = firm.say()
        assert (answer.status_code, answer.headers["x-fine-tuned"]) == (200, "true")
        called.add(answer.headers["x-call-id"])
        assert admin.refused("POST", f"{firm.path}/stock", {})[:2] == (503, "store_unavailable")
        assert "maxmemory" in admin.ask("POST", f"{firm.path}/stock", {}).json()["error"]["message"]
        look_at_the_page(gateway.url, f"{HOME}/{firm.name}")
        ready = httpx2.get(f"{gateway.url}/readyz", verify=NO_TLS)
        assert (ready.status_code, ready.json()["store"]) == (200, "connected")
        metrics = httpx2.get(f"{gateway.url}/metrics", verify=NO_TLS).text
        assert "housestyle_why_records_waiting 6.0" in metrics
        with stage.replica() as late:  # why gateways are not to be started again meanwhile
            said = httpx2.get(f"{late.url}/readyz", verify=NO_TLS)
            assert said.status_code == 503
            assert "maxmemory" in said.json()["cause"]
            with redis.Redis.from_url(stage.redis.url, protocol=2) as client:
                why = f"{{housestyle}}:why:{firm.name}"
                assert client.execute_command("XTRIM", why, "MINID", "~", "1764374400000") == 0, "it may be used"

            stage.redis.set("maxmemory", "0")
            wait_until(lambda: httpx2.get(f"{late.url}/readyz", verify=NO_TLS).status_code == 200, 20, "readiness")
        wait_until(lambda: {one["call_id"] for one in admin.get(f"{firm.path}/why")["items"]} == called, 10, "records")
        assert firm.use_stock()["model"] is None
