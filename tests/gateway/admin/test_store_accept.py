"""Redis comes back without its data, under two replicas: calls go on, nothing changes, and an admin says what holds."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.support.admin import NO_TLS, Admin, unique
from tests.support.firms import Firm
from tests.support.processes import Program, running, shared_environ, wait_until
from tests.support.redis import Stoppable, stoppable


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[Stoppable]:
    """The Redis of both replicas."""
    with stoppable(tmp_path / "redis") as server:
        yield server


@pytest.fixture
def environ(redis: Stoppable, tmp_path: Path) -> dict[str, str]:
    """What every replica is set to."""
    return shared_environ(redis.url, tmp_path)


@pytest.fixture
def pair(environ: dict[str, str], tmp_path: Path) -> Iterator[tuple[Program, Program]]:
    """Two replicas, both live."""
    with (
        running(["serve", "--port", "0"], environ, tmp_path / "a") as one,
        running(["serve", "--port", "0"], environ, tmp_path / "b") as two,
        Admin(one.url) as admin,
    ):
        wait_until(lambda: sum(seen["live"] for seen in admin.get("/replicas")) == 2, 20, "two live replicas")
        yield one, two


def get(program: Program, path: str) -> httpx2.Response:
    """A page without a key."""
    return httpx2.get(f"{program.url}{path}", verify=NO_TLS)


def state(program: Program) -> object:
    """What a replica says of the store."""
    return get(program, "/readyz").json()["store"]


def lose_everything(redis: Stoppable, tmp_path: Path) -> None:
    """Redis is ended, its files are gone, it is started again."""
    redis.stop()
    shutil.rmtree(tmp_path / "redis" / "redis")
    redis.start()


def test_what_the_replicas_know_is_written_back(
    pair: tuple[Program, Program], environ: dict[str, str], redis: Stoppable, sandbox: Program, tmp_path: Path
) -> None:
    with Admin(pair[0].url) as admin, Admin(pair[1].url) as other:
        firm = Firm(admin, sandbox.url)
        revoked = admin.post(f"{firm.path}/keys", {"role": "caller"})
        admin.delete(f"{firm.path}/keys/{revoked['id']}")
        before = admin.put(firm.path, {"name": "As known"})["revision"]

        lose_everything(redis, tmp_path)
        for program in pair:
            wait_until(lambda program=program: state(program) == "diverged", 10, "both to notice")  # type: ignore[misc]
            assert get(program, "/readyz").status_code == 200
            assert "store/accept" in get(program, "/readyz").json()["cause"]
            assert "housestyle_store_following 0.0" in get(program, "/metrics").text
        assert firm.say().status_code == 200
        for method, path, body in (
            ("PUT", f"/tenants/{unique('new')}", {}),
            ("POST", "/keys", {"role": "service"}),
        ):
            assert other.refused(method, path, body)[:2] == (503, "store_diverged")

        with running(["serve", "--port", "0"], environ, tmp_path / "c") as fresh:  # knows nothing: lets nobody in
            answer = get(fresh, "/readyz")
            assert (answer.status_code, answer.json()["store"]) == (503, "diverged")
            assert "nothing is known yet" in answer.json()["cause"]
            with Admin(fresh.url) as unknowing:
                assert unknowing.refused("POST", "/store/accept", {})[:2] == (409, "replica_behind")

            assert admin.refused("POST", "/store/accept", {})[:2] == (422, "invalid_field")  # it is empty: say which
            assert admin.refused("POST", "/store/accept", {"state": "mine"})[:2] == (422, "invalid_field")
            accepted = admin.ask("POST", "/store/accept", {"state": "replicas"})
            assert accepted.status_code == 200, accepted.text
            assert accepted.json()["revision"] > before
            assert int(accepted.headers["x-revision"]) == accepted.json()["revision"]
            wait_until(lambda: get(fresh, "/readyz").status_code == 200, 5, "the third to be ready")
            assert firm.say().status_code == 200
        assert {state(program) for program in pair} == {"connected"}
        assert other.get(firm.path)["name"] == "As known"
        assert len(other.get(f"{firm.path}/keys")["items"]) == 1
        assert firm.say(headers={"authorization": f"Bearer {revoked['key']}"}).status_code == 401
        changed = other.ask("PUT", firm.path, {"suspended": True})
        assert (changed.status_code, changed.headers["x-acknowledged"]) == (200, "2")
        assert firm.say().status_code == 403
        assert admin.refused("POST", "/store/accept", {})[:2] == (409, "store_not_diverged")
        [record] = [one for one in admin.get("/audit")["items"] if one["action"] == "store.accept"]
        assert record["actor"]["id"] == "key_bootstrap"
        assert record["after"] == {"state": "replicas"}
        assert record["before"]["replicas"]["revision"] == before


def test_only_a_platform_admin_decides(pair: tuple[Program, Program], sandbox: Program) -> None:
    with Admin(pair[0].url) as admin:
        firm = Firm(admin, sandbox.url)
        key = admin.post(f"{firm.path}/keys", {"role": "tenant_admin"})["key"]
        with Admin(pair[0].url, key) as tenant_admin:
            assert tenant_admin.refused("POST", "/store/accept", {})[:2] == (403, "forbidden_role")
