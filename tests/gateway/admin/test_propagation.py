"""Two replicas on one Redis: what an admin is told is true on both; and nothing is told while Redis is away."""

from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.admin import NO_TLS, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program, running, shared_environ, wait_until
from tests.support.redis import Stoppable, stoppable


@pytest.fixture(scope="module")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stoppable]:
    """The Redis of both replicas."""
    with stoppable(tmp_path_factory.mktemp("shared")) as server:
        yield server


@pytest.fixture(scope="module")
def environ(redis: Stoppable, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """What both replicas are set to."""
    folder = tmp_path_factory.mktemp("replicas")
    return shared_environ(redis.url, folder)


@pytest.fixture(scope="module")
def pair(environ: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Program, Program]]:
    """Two replicas, both live."""
    logs = tmp_path_factory.mktemp("logs")
    with (
        running(["serve", "--port", "0"], environ, logs / "a") as one,
        running(["serve", "--port", "0"], environ, logs / "b") as two,
        Admin(one.url) as admin,
    ):
        wait_until(lambda: sum(seen["live"] for seen in admin.get("/replicas")) == 2, 20, "two live replicas")
        yield one, two


def status(program: Program) -> dict[str, object]:
    """What a replica says of itself."""
    answer: dict[str, object] = httpx2.get(f"{program.url}/readyz", verify=NO_TLS).json()
    return answer


def test_a_change_answered_by_one_is_obeyed_by_the_other(pair: tuple[Program, Program], sandbox: Program) -> None:
    with Admin(pair[0].url) as one, Admin(pair[1].url) as two:
        firm = Firm(one, sandbox.url)
        for suspended in (True, False) * 10:
            answer = one.ask("PUT", firm.path, {"suspended": suspended})
            assert (answer.headers["x-replicas"], answer.headers["x-acknowledged"]) == ("2", "2")
            call = httpx2.post(
                f"{pair[1].url}/v1/chat/completions",
                json={"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Hello"}]},
                headers=firm.auth,
                verify=NO_TLS,
            )
            assert call.status_code == (403 if suspended else 200)
        for _ in range(10):
            made = one.post("/keys", {"role": "platform_admin"})
            with Admin(pair[1].url, made["key"]) as other:
                assert other.ask("GET", "/replicas").status_code == 200
                two.delete(f"/keys/{made['id']}")
                assert other.ask("GET", "/replicas").status_code == 401


def test_replicas_are_listed_with_what_they_have_applied(pair: tuple[Program, Program]) -> None:
    with Admin(pair[0].url) as admin:
        revision = admin.put(f"/tenants/{unique('t')}", {})["revision"]
        listed = admin.get("/replicas")
        ids = {str(status(program)["replica"]) for program in pair}
        assert {one["id"] for one in listed if one["live"]} == ids
        assert all(one["revision"] >= revision and one["seen_at"].endswith("Z") and one["version"] for one in listed)


def test_a_killed_replica_is_unreachable_and_one_that_was_stopped_is_gone(
    pair: tuple[Program, Program], environ: dict[str, str], tmp_path: Path
) -> None:
    with Admin(pair[0].url) as admin:
        for kill in (False, True):
            with running(["serve", "--port", "0"], environ, tmp_path / "log") as third:
                wait_until(lambda: sum(one["live"] for one in admin.get("/replicas")) == 3, 20, "a third replica")
                third.kill() if kill else third.stop()
            wait_until(lambda: sum(one["live"] for one in admin.get("/replicas")) == 2, 20, "its end")
            assert len(admin.get("/replicas")) == (3 if kill else 2)
        path = f"/tenants/{unique('t')}"
        admin.put(path, {})
        stock = admin.post(f"{path}/stock")
        assert (stock["replicas"], stock["acknowledged"], stock["unreachable"]) == (2, 2, 1)


def test_a_redis_that_hangs_is_one_that_is_away(pair: tuple[Program, Program], redis: Stoppable) -> None:
    with redis.frozen():
        wait_until(lambda: status(pair[0])["store"] == "unreachable", 10, "the outage on readyz")
    wait_until(lambda: status(pair[0])["store"] == "connected", 10, "the outage's end")


def test_while_redis_takes_no_writes_changes_are_refused_and_calls_go_on(
    pair: tuple[Program, Program], redis: Stoppable, sandbox: Program
) -> None:
    with Admin(pair[0].url) as admin:

        def live() -> int:
            return sum(seen["live"] for seen in admin.get("/replicas"))

        wait_until(lambda: live() == 2, 20, "both replicas")
        firm = Firm(admin, sandbox.url)
        redis.set("min-replicas-to-write", "1")  # of Redis's own replicas, of which there are none
        try:
            assert admin.refused("PUT", firm.path, {"name": "During"})[:2] == (503, "store_unavailable")
            called = [firm.say().headers["x-call-id"] for _ in range(3)]
            wait_until(lambda: live() == 0, 10, "the replicas' silence")
            called.append(firm.say().headers["x-call-id"])
        finally:
            redis.set("min-replicas-to-write", "0")
        wait_until(lambda: live() == 2, 6, "both replicas")
        assert [firm.why(call_id)["status"] for call_id in called] == [200] * 4
        assert admin.put(firm.path, {"name": "After"})["name"] == "After"


def test_while_redis_is_away_calls_go_on_and_changes_are_refused_whole(
    pair: tuple[Program, Program], redis: Stoppable, sandbox: Program
) -> None:
    one, two = pair
    with Admin(one.url) as admin, Admin(two.url) as other:
        firm = Firm(admin, sandbox.url, name="Before")
        revoked = admin.post(f"{firm.path}/keys", {"role": "caller"})
        admin.delete(f"{firm.path}/keys/{revoked['id']}")
        redis.stop()
        for method, path, body in (
            ("PUT", firm.path, {"name": "During"}),
            ("POST", f"{firm.path}/keys", {"role": "caller"}),
            ("POST", f"{firm.path}/jobs", {"label": "x", "backend": "openai"}),
            ("POST", f"{firm.path}/stock", {}),
            ("DELETE", firm.path, None),
            ("GET", firm.path, None),
            ("GET", f"{firm.path}/why", None),
            ("GET", "/replicas", None),
        ):
            answer = admin.ask(method, path, body)
            assert (answer.status_code, answer.json()["error"]["code"]) == (503, "store_unavailable"), path
            assert int(answer.headers["retry-after"]) > 0
        assert firm.say().status_code == 200
        called = firm.say().headers["x-call-id"]
        assert firm.say(headers={"authorization": f"Bearer {revoked['key']}"}).status_code == 401
        wait_until(lambda: status(one)["store"] == "unreachable", 10, "the outage on readyz")
        assert status(one)["ready"] is True

        redis.start()
        wait_until(lambda: admin.ask("GET", firm.path).status_code == 200, 20, "the store")
        assert admin.get(firm.path)["name"] == "Before"
        assert admin.get(f"{firm.path}/jobs")["items"] == []
        assert len(admin.get(f"{firm.path}/keys")["items"]) == 1
        wait_until(lambda: sum(seen["live"] for seen in admin.get("/replicas")) == 2, 20, "both replicas")
        assert other.ask("PUT", firm.path, {"name": "After"}).headers["x-acknowledged"] == "2"
        assert firm.why(called)["status"] == 200  # no record was lost
        assert firm.say(headers={"authorization": f"Bearer {revoked['key']}"}).status_code == 401
        wait_until(lambda: status(one)["store"] == "connected", 10, "the outage's end")
