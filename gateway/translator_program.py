"""How the translator's program is started: its command, its environment, its directories. As a child of a gateway or by
itself makes no difference here; nothing here starts anything.
"""

import contextlib
import os
from collections.abc import Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from gateway.upstream.addresses import Network

HOW = (
    "Providers of this kind need the translator: `uv sync --only-group translator` into an environment of its own, "
    "named in HOUSESTYLE_TRANSLATOR_PYTHON."
)
_PACKAGE = Path(__file__).parent
# What the program may know of its starter's environment: nothing that is a credential of the operator's.
_PASSED_ON = (
    *("PATH", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "LD_LIBRARY_PATH"),
    *("SSL_CERT_FILE", "SSL_CERT_DIR", "HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "NO_PROXY"),
    *("https_proxy", "http_proxy", "all_proxy", "no_proxy"),
)
# No look at the machine's own identity, where a tenant's credential fails; no call home; no file of the operator's.
_OF_ITS_OWN = {
    "AWS_CONFIG_FILE": os.devnull,
    "AWS_EC2_METADATA_DISABLED": "true",
    "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
    "HF_HUB_OFFLINE": "1",
    "LITELLM_LOCAL_MODEL_COST_MAP": "True",
    "LITELLM_MODE": "PRODUCTION",  # reads no .env
    "NO_GCE_CHECK": "true",
    "PYTHONNOUSERSITE": "1",
}


class Program(Struct, frozen=True):
    """What is to be started. `home`: the directory that it is started in."""

    command: list[str]
    environ: dict[str, str]
    home: Path


def prepare(
    python: Path, directory: Path, allowed: Sequence[Network], environ: Mapping[str, str], options: Sequence[str]
) -> Program:
    """The program with these options, its directories made in `directory`, which it may remove. Raises OSError."""
    packages, home = directory / "packages", directory / "home"
    for made in (packages, home):
        made.mkdir(mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        (packages / "gateway").symlink_to(_PACKAGE, target_is_directory=True)
    command = [
        *(str(python), "-P", "-m", "gateway.translator", *options),
        *("--remove", str(directory)),
        *(word for network in allowed for word in ("--allow", str(network))),
    ]
    return Program(command, child_environ(environ, home, packages), home)


def child_environ(environ: Mapping[str, str], home: Path, packages: Path) -> dict[str, str]:
    """The program's environment. `home` is empty, so that no credential is found there; `packages` holds our package
    and nothing else of the gateway's."""
    kept = {name: environ[name] for name in _PASSED_ON if environ.get(name)}
    bundle = environ.get("REQUESTS_CA_BUNDLE") or environ.get("SSL_CERT_FILE")
    if bundle:
        kept["REQUESTS_CA_BUNDLE"] = bundle  # google-auth's transport knows no other
    return kept | _OF_ITS_OWN | {"HOME": str(home), "CLOUDSDK_CONFIG": str(home), "PYTHONPATH": str(packages)}
