"""Every command in the docs that needs no cluster, no Docker and no network is run, page by page, as one shell would.

A block that is not says so, in a comment before it, `<!-- not run: why -->`, or by a first line `# needs …`; or it is
listed here.
"""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, Block, blocks, pages
from tests.support.admin import Admin
from tests.support.firms import Firm
from tests.support.processes import Program

# Whole pages: where and why their blocks are not run here.
ELSEWHERE = {
    "CONTRIBUTING.md": "the development's own scripts: the tests, which this is one of, measures, benchmarks, a fuzzer",
    "docs/backup.md": "tests/operations/test_backup.py runs its commands on a Redis that it may lose",
    "docs/helm.md": "tests/helm/chart/test_docs.py runs what needs no cluster",
    "docs/measures.md": "takes ten minutes; tests/measures tests what it does",
    "docs/control-plane.md": "a benchmark of minutes; tests/bench tests what it does",
    "docs/resource-tests.md": "clones openai-python; tests/resources tests what it does",
    "docs/benchmarks/README.md": "benchmarks of half an hour; tests/bench tests what they do",
}
# Single blocks of pages that have no comment, by how they begin.
NOT_RUN = {
    "scripts/demo": "tests/walkthrough/test_5_the_demo.py runs the demo",
    "UV_PROJECT_ENVIRONMENT=.venv-translator": "installs a quarter of a gigabyte; scripts/test does",
    "PHOENIX_HOST=": "installs half a gigabyte; tests/viewer sends spans to a Phoenix",
    'curl -s -X POST -H "$auth" "$GATEWAY/admin/api/store/accept"': "refused while nothing has diverged; "
    "tests/gateway/test_accepting.py does it where something has",
    'curl -s -X POST -H "$auth" "$GATEWAY/admin/api/tenants/TENANT/jobs/JOB/recreate"': "two jobs' worth of training; "
    "tests/gateway/admin/test_job_making.py does it",
}
PRELUDE = """
set -euo pipefail
curl() { command curl --silent --show-error --fail-with-body "$@"; }
. .venv/bin/activate
"""


def name(page: Path) -> str:
    return str(page.relative_to(ROOT))


def reason(block: Block) -> str | None:
    """Why a block of commands is not run here, where it is not."""
    if block.mark and block.mark[0] == "not run":
        return block.mark[1]
    if block.text.startswith("# needs "):
        return block.text.splitlines()[0]
    listed = [why for begin, why in NOT_RUN.items() if block.text.startswith(begin)]
    return ELSEWHERE.get(name(block.page)) or (listed[0] if listed else None)


RUN = {page: [block for block in blocks(page) if block.commands and not reason(block)] for page in pages()}


def test_there_are_commands_and_every_reason_is_needed() -> None:
    every = [block for page in pages() for block in blocks(page) if block.commands]
    assert len(every) > 40
    for begin in NOT_RUN:
        assert any(block.text.startswith(begin) for block in every), f"no block begins with {begin}"
    for page in ELSEWHERE:
        assert any(name(block.page) == page for block in every), f"{page} has no commands"


@pytest.fixture(scope="module")
def shell(stage: Path, gateway: Program, sandbox: Program, admin: Admin) -> Path:
    """A folder with what the commands name: `housestyle`, and the key of the firm whose name is theirs."""
    folder = stage / ".venv" / "bin"
    folder.mkdir(parents=True)
    (folder / "activate").write_text(f'PATH="{folder}:$PATH"\n')
    program = folder / "housestyle"
    program.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m gateway "$@"\n')
    program.chmod(0o755)
    return stage


@pytest.mark.parametrize("page", [page for page, found in RUN.items() if found], ids=name)
def test_commands(page: Path, shell: Path, gateway: Program, sandbox: Program, admin: Admin) -> None:
    firm = Firm(admin, sandbox.url, vault=shell / "vaults" / "acme.jsonl")
    job = firm.ready_job() if any(word in page.read_text() for word in ("$JOB", "job_…", "/JOB/")) else {"id": ""}
    script = PRELUDE + "\n".join(f"echo '# line {block.line}' >&2\n{block.text}" for block in RUN[page])
    words = {
        "http://127.0.0.1:8080": gateway.url,
        "http://127.0.0.1:8090": sandbox.url,
        "/srv/vaults": str(shell / "vaults"),
        "/tmp/acme": str(shell / firm.name),  # noqa: S108 - what the docs name
        "tenants/acme": f"tenants/{firm.name}",
        "watch acme": f"watch --url {gateway.url} {firm.name}",
        "watch TENANT": f"watch --url {gateway.url} {firm.name}",
        "TENANT": firm.name,
        "job_…": job["id"],
        "/JOB/": f"/{job['id']}/",
        "hs_…": firm.key,
        '{"kind": "openai", "api_key": "YOUR-KEY", "default_model": "gpt-4.1-mini"}': '{"kind": "openai_compatible", '
        f'"base_url": "{sandbox.url}/v1", "api_key": "sk-{firm.name}", "default_model": "gpt-4.1-mini"}}',
    }
    for said, meant in words.items():
        script = script.replace(said, meant)
    # Servers are under way already: that they would take these options is all that is left to see.
    script = re.sub(r"(?m)^(housestyle (?:serve|sandbox)\b.*?)(\s+#.*)?$", r"\1 --help >/dev/null", script)
    admin_key = (shell / "housestyle-data" / "admin-key").read_text().strip()
    environ = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("HOUSESTYLE_", "OTEL_"))},
        "HOUSESTYLE_DATA_DIR": str(shell / "housestyle-data"),
        "HOUSESTYLE_ADMIN_KEY": admin_key,
        "HOUSESTYLE_UPSTREAM_ALLOW": "127.0.0.0/8",
        "OTEL_TRACES_EXPORTER": "none",
        "PYTHONPATH": str(ROOT),
        "GATEWAY": gateway.url,
        "JOB": job["id"],
        "auth": f"Authorization: Bearer {admin_key}",
    }
    done = subprocess.run(["bash", "-c", script], cwd=shell, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{name(page)}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}"
