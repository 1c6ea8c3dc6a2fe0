"""Where a change came from, in the audit log: the connection's other end, or whom the trusted proxies say."""

from collections.abc import Iterator

import pytest

from tests.support.admin import Admin, unique
from tests.support.processes import Program, gateway_environ, running


@pytest.fixture(scope="module")
def behind_proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Program]:
    """A gateway that takes this machine for a trusted proxy."""
    folder = tmp_path_factory.mktemp("behind")
    environ = gateway_environ(folder / "data", HOUSESTYLE_TRUSTED_PROXIES="127.0.0.0/8,10.0.0.0/8")
    with running(["serve", "--port", "0"], environ, folder / "log") as program:
        yield program


def address(admin: Admin, **headers: str) -> str | None:
    """What the log says of where a change came from."""
    tenant = unique("t")
    assert admin.ask("PUT", f"/tenants/{tenant}", {}, headers).status_code == 201
    [record] = admin.get(f"/tenants/{tenant}/audit")["items"]
    found: str | None = record["address"]
    return found


def test_nobody_is_believed_unless_told_so(admin: Admin) -> None:
    assert address(admin) == "127.0.0.1"
    assert address(admin, **{"x-forwarded-for": "203.0.113.7"}) == "127.0.0.1"


def test_a_trusted_proxy_is_believed_and_its_caller_is_not(behind_proxies: Program) -> None:
    with Admin(behind_proxies.url) as admin:
        assert address(admin) == "127.0.0.1"
        assert address(admin, **{"x-forwarded-for": "203.0.113.7"}) == "203.0.113.7"
        assert address(admin, **{"x-forwarded-for": "198.51.100.1, 203.0.113.7, 10.1.2.3"}) == "203.0.113.7"
        assert address(admin, **{"x-forwarded-for": "[2001:db8::7]:4711"}) == "2001:db8::7"
        assert address(admin, **{"x-forwarded-for": "nonsense"}) == "127.0.0.1"
