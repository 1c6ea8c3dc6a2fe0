"""What a process loads before it has anything to do: each gateway and each worker pays for it in seconds and memory."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SDK = {"openai", "aiohttp"}  # with the first job
SPANS = {"requests", "urllib3"}  # with the first sender of spans
BUILDER = {"numpy", "finetune.dataset.build", "finetune.dataset.redact"}  # with the first data set
PAGES = {"starlette", "uvicorn", "jinja2"}


@pytest.mark.parametrize(
    ("program", "needless"),
    [
        ("gateway.serving", SDK | SPANS | BUILDER | {"docket"}),
        ("gateway.working", SDK | SPANS | PAGES | BUILDER | {"docket"}),
        ("gateway.worker_root", SDK | SPANS | PAGES | BUILDER),
    ],
)
def test_a_program_loads_nothing_that_it_may_never_need(program: str, needless: set[str]) -> None:
    code = f"import sys, {program}; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True, timeout=60)
    loaded = set(ran.stdout.split())
    assert {program, "redis"} <= loaded
    assert not loaded & needless
