"""The page over several replicas on one Redis, while that is away, and while a replica ends."""

import base64
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from msgspec import Struct

from tests.page.web import HOME, Web
from tests.support.admin import Admin
from tests.support.processes import Program, gateway_environ, running, wait_until
from tests.support.redis import Server, serving

DURABLE = ("appendonly yes", "appendfsync always")
KEPT = "housestyle_admin"


class Site(Struct, frozen=True):
    """Two gateways on one Redis with a tenant, and what another needs to join them."""

    redis: Server
    programs: list[Program]
    admin: Admin
    environ: dict[str, str]

    def new_key(self) -> tuple[str, str]:
        """A key of the tenant's admin, and its id."""
        made = self.admin.post("/tenants/smith/keys", {"role": "tenant_admin", "label": "Maria"})
        return made["key"], made["id"]


@pytest.fixture
def webs(site: "Site") -> Iterator[list[Web]]:
    """A visitor of each gateway."""
    with ExitStack() as stack:
        yield [stack.enter_context(Web(program.url, "192.0.2.1")) for program in site.programs]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """All of it."""
    tmp_path = tmp_path_factory.mktemp("site")
    with ExitStack() as stack:
        redis = stack.enter_context(serving(tmp_path / "redis", *DURABLE))
        environ = gateway_environ(
            tmp_path,
            HOUSESTYLE_REDIS_URL=redis.url,
            HOUSESTYLE_ENCRYPTION_KEYS=base64.b64encode(b"k" * 32).decode(),
            HOUSESTYLE_ARTIFACTS_URL=(tmp_path / "artifacts").as_uri(),
            HOUSESTYLE_DRAIN_SECONDS="120",  # more than a test waits for a program's end
        )
        programs = [
            stack.enter_context(running(["serve", "--port", "0"], environ, tmp_path / f"log-{number}"))
            for number in range(2)
        ]
        admin = stack.enter_context(Admin(programs[0].url))
        wait_until(lambda: sum(one["live"] for one in admin.get("/replicas")) == 2, what="two live replicas")
        admin.put("/tenants/smith", {})
        yield Site(redis, programs, admin, environ)


def test_a_session_is_every_replicas_and_ends_on_all_of_them(site: Site, webs: list[Web]) -> None:
    here, there = webs
    key, key_id = site.new_key()
    here.signed_in(key)
    there.http.cookies.set(KEPT, here.http.cookies[KEPT])
    answer = there.post(f"{HOME}/smith/stock", here.token(f"{HOME}/smith"))
    assert "In force on 2 of 2 replicas after" in answer.text
    here.post("/admin/sign-out", here.token(f"{HOME}/smith"))
    assert there.get(f"{HOME}/smith").status_code == 303

    here.signed_in(key)
    there.http.cookies.set(KEPT, here.http.cookies[KEPT])
    assert there.get(f"{HOME}/smith").status_code == 200
    site.admin.delete(f"/tenants/smith/keys/{key_id}")  # at the first replica; answered, so in force on both
    assert there.get(f"{HOME}/smith").status_code == 303


def test_while_redis_is_away_the_page_says_so_and_the_session_outlives_it(site: Site, webs: list[Web]) -> None:
    web = webs[0].signed_in(site.new_key()[0])
    token = web.token(f"{HOME}/smith")
    site.redis.stop()
    for answer in (web.get(f"{HOME}/smith"), web.post(f"{HOME}/smith/stock", token)):
        assert answer.status_code == 503
        assert "store cannot be reached" in answer.text
        assert "Calls go on as before" in answer.text
    site.redis.start()
    wait_until(lambda: web.get(f"{HOME}/smith").status_code == 200, what="the page")


def test_a_replica_that_ends_ends_its_streams(site: Site, tmp_path: Path) -> None:
    heard: list[str] = []

    def listen(web: Web) -> None:
        with web.http.stream("GET", f"{HOME}/smith/live") as answer:
            heard.append(answer.headers["content-type"])
            heard.extend(answer.iter_lines())
        heard.append("the end")

    with (
        running(["serve", "--port", "0"], site.environ, tmp_path / "log") as program,
        Web(program.url, "192.0.2.1") as web,
    ):
        listener = threading.Thread(target=listen, args=(web.signed_in(site.new_key()[0]),))
        listener.start()
        wait_until(lambda: "event: changed" in heard, what="an event")
        program.stop()
        listener.join(30)
    assert heard[0] == "text/event-stream; charset=utf-8"
    assert heard[-1] == "the end"
