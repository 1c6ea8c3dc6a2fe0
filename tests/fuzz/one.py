"""One target in one process: `python -m tests.fuzz.one TARGET RUNS FINDS`. With atheris it is guided by what the inputs
reach; without, the inputs are mutations of the kept ones.

Ends 0 when all inputs were read; otherwise the one that was not is in FINDS/crash-…, the traceback on stderr. The
last line there says how many inputs there were, in libFuzzer's words.
"""

import faulthandler
import hashlib
import importlib
import logging
import sys
import tempfile
import time
import traceback
import warnings
from itertools import islice
from pathlib import Path
from types import ModuleType

# Generous: the slowest input that is known takes 20 ms.
_INPUT_SECONDS = 20
_MEMORY_MB = 2048
_MAX_SIZE = 4096


def main() -> None:
    """See the module."""
    name, runs, finds = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    warnings.simplefilter("error")
    logging.disable()
    try:
        atheris = importlib.import_module("atheris")
    except ImportError:
        _mutated(name, runs, finds)
    else:
        _guided(atheris, name, runs, finds)


def _guided(atheris: ModuleType, name: str, runs: int, finds: Path) -> None:
    with atheris.instrument_imports(include=["gateway"]):
        from tests.fuzz.targets import CORPUS, TARGETS
    target = TARGETS[name]
    with tempfile.NamedTemporaryFile("w", suffix=".dict") as words:
        words.writelines(f'"{_escaped(token)}"\n' for token in target.tokens)
        words.flush()
        options = [
            f"-runs={runs}",
            f"-dict={words.name}",
            f"-artifact_prefix={finds}/",
            f"-timeout={_INPUT_SECONDS}",
            f"-rss_limit_mb={_MEMORY_MB}",
            f"-max_len={_MAX_SIZE}",
            "-print_final_stats=0",
        ]
        atheris.Setup([sys.argv[0], *options, str(finds), str(CORPUS / name)], target.run)
        atheris.Fuzz()  # does not come back


def _escaped(token: bytes) -> str:
    return "".join(f"\\x{byte:02x}" for byte in token)


def _mutated(name: str, runs: int, finds: Path) -> None:
    from tests.fuzz.mutator import mutations
    from tests.fuzz.targets import TARGETS, seeds

    target = TARGETS[name]
    begun = time.monotonic()
    for data in islice(mutations(seeds(name), target.tokens, time.time_ns()), runs):
        faulthandler.dump_traceback_later(_INPUT_SECONDS, exit=True)
        try:
            target.run(data)
        except Exception:  # noqa: BLE001 - whatever it is, it is a crash
            found = finds / f"crash-{hashlib.sha1(data, usedforsecurity=False).hexdigest()}"
            found.write_bytes(data)
            traceback.print_exc()
            sys.exit(f"Test unit written to {found}")
    faulthandler.cancel_dump_traceback_later()
    sys.stderr.write(f"Done {runs} runs in {time.monotonic() - begun:.0f} second(s)\n")


if __name__ == "__main__":
    main()
