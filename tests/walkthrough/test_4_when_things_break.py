"""Chapter 4. The gateway is killed in the middle of everything, and goes on where it was."""

from pathlib import Path

import pytest

from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import Program, children, gateway_environ, gone, running, wait_until
from tests.support.vaults import DEMO_VAULTS
from tests.walkthrough.conftest import HARROW


@pytest.mark.parametrize("killed_in", ["snapshotting", "uploading", "training"])
def test_killed_in_mid_job_it_finishes_with_one_provider_job(killed_in: str, sandbox: Program, tmp_path: Path) -> None:
    environ = gateway_environ(tmp_path / "data", HOUSESTYLE_VAULT_ROOTS=DEMO_VAULTS.as_uri() + "/")
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway, Admin(gateway.url) as admin:
        firm = Firm(admin, sandbox.url, vault=HARROW)
        first = firm.ready_job()
        firm.activate(first)
        second = firm.start_job()
        wait_until(lambda: firm.job(second)["status"] in (killed_in, "training", "ready"), what=killed_in)
        with_it = children(gateway.process.pid)
        gateway.kill()
        wait_until(lambda: gone(list(with_it)), what=f"the end of {with_it}")
    with running(["serve", "--port", "0"], environ, tmp_path / "log") as gateway, Admin(gateway.url) as admin:
        firm.move_to(admin)
        assert firm.admin.get(firm.path)["active_job"] == first["id"], "the activation is kept"
        job = firm.finished(second, seconds=90)
        assert job["status"] == "ready"
        assert len(firm.account.jobs()) == 2, "one for each of our jobs"
        answer, _ = firm.call()
        assert answer.model == first["fine_tuned_model"]
        firm.close()


def test_a_second_gateway_on_one_data_directory_is_refused(gateway: Program, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running(["serve", "--port", "0"], gateway_environ(data), tmp_path / "log") as first:
        with pytest.raises(RuntimeError) as refused:
            Program(["serve", "--port", "0"], gateway_environ(data), tmp_path / "second-log")
        assert f"in use by another Housestyle (process {first.process.pid})" in str(refused.value)
        assert "Traceback" not in str(refused.value)
