"""LiteLLM's proxy, one worker, as its page "Production Best Practices" has it: production mode, a master key, logging
at ERROR, no verbose output; no database, so that nothing is written for a call. https://docs.litellm.ai/docs/proxy/prod
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from tests.bench import tools
from tests.bench.running import Running, free_port, started
from tests.bench.upstream import TUNED

_KEY = "sk-bench"


@contextlib.contextmanager
def litellm(folder: Path, upstream: str) -> Iterator[Running]:
    """It, before `upstream`. Raises Missing."""
    program, port = tools.environment("litellm", tools.LITELLM) / "litellm", free_port()
    provider = {"model": f"openai/{TUNED % 't0'}", "api_base": f"{upstream}/v1", "api_key": "sk-t0"}
    configuration = folder / "config.yaml"  # JSON is YAML
    configuration.write_text(
        json.dumps(
            {
                "model_list": [{"model_name": "gpt-4o-mini", "litellm_params": provider}],
                "general_settings": {"master_key": _KEY},
                "litellm_settings": {"set_verbose": False, "request_timeout": 600},
            },
        ),
    )
    environ = {name: value for name, value in os.environ.items() if not name.startswith(("OTEL_", "LITELLM_"))}
    environ |= {
        "LITELLM_MODE": "PRODUCTION",
        "LITELLM_LOG": "ERROR",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",  # it would fetch its price list
        "LITELLM_TELEMETRY": "False",
    }
    command = [str(program), "--config", str(configuration), "--host", "127.0.0.1", "--port", str(port)]
    with started([*command, "--num_workers", "1"], environ, folder / "log", port) as pid:
        yield Running("litellm", f"http://127.0.0.1:{port}", pid, keys=(_KEY,))
