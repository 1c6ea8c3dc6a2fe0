"""docs/clients.md: each snippet is run as it stands, but for address and key, by the client's pinned version."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from tests.clients.environments import node_environment, python_environment
from tests.clients.running import ScriptedProvider, scripted_provider
from tests.docs.pages import DOCS, Block, blocks
from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm

CLAUDE = "claude-sonnet-5"
SNIPPETS = [block for block in blocks(DOCS / "clients.md") if block.kind in ("python", "js")]
ANSWER = "Whereas the parties agree."


@pytest.fixture(scope="module")
def provider() -> Iterator[ScriptedProvider]:
    """One that is true to both APIs."""
    with scripted_provider() as made:
        yield made


@pytest.fixture(scope="module")
def firms(admin: Admin, provider: ScriptedProvider) -> Iterator[dict[str, Firm]]:
    """A firm at a provider with OpenAI's API, and one at Anthropic's."""
    made = {}
    for kind, base, model in (("openai_compatible", "/v1", STOCK), ("anthropic", "", CLAUDE)):
        firm = made[kind] = Firm(admin, provider.url)
        provider.open_account(firm.account.key, [model])
        there = {**firm.provider, "kind": kind, "base_url": provider.url + base, "default_model": model}
        admin.put(f"{firm.path}/providers/main", there)
    yield made
    for firm in made.values():
        admin.delete(firm.path)  # its provider ends with this module


def test_there_is_one_for_every_client() -> None:
    told = {block.mark[1] for block in SNIPPETS if block.mark and block.mark[0] == "client"}
    assert told == {
        "openai_python",
        "openai_node",
        "anthropic_python",
        "anthropic_node",
        "langchain_openai",
        "vercel_ai",
    }


@pytest.mark.parametrize("block", SNIPPETS, ids=lambda block: f"line-{block.line}")
def test_it_runs(block: Block, firms: dict[str, Firm], admin: Admin) -> None:
    assert block.mark
    client = block.mark[1]
    firm = firms["anthropic" if client.startswith("anthropic") else "openai_compatible"]
    program = block.text.replace("http://127.0.0.1:8080", firm.gateway).replace("hs_…", firm.key)
    if block.kind == "python":
        command, place = [str(python_environment(client)), "-c", program], None
    else:
        place = node_environment(client)
        command = ["node", "--input-type=module", "--eval", program]
    environ = {key: os.environ[key] for key in ("PATH", "HOME", "TMPDIR", "LANG") if key in os.environ}
    before = len(admin.get(f"{firm.path}/why")["items"])
    done = subprocess.run(command, cwd=place, env=environ, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == ANSWER or done.stdout.rstrip().endswith("false no_active_job"), done.stdout
    assert len(admin.get(f"{firm.path}/why")["items"]) == before + 1
