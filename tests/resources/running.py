"""The runs that are compared: the mock asked directly, through the gateway by a new tenant, and once more with all
allowed that can be. One mock, one hop before it, one gateway, for all three.
"""

import contextlib
import sys
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.relay.rules import Setting
from tests.resources import routes
from tests.resources.clone import Clone
from tests.resources.comparing import Outcome, Run, Tenant, Verdict, compare
from tests.resources.hop import Hop, hopping
from tests.support.admin import STOCK, Admin
from tests.support.firms import Firm
from tests.support.processes import gateway_environ, running


class Compared(NamedTuple):
    """What came out: the direct run, and the verdicts on the others, by what the tenant is allowed."""

    direct: Run
    verdicts: dict[str, list[Verdict]]
    allowed: tuple[str, ...]


class Stage(NamedTuple):
    """A gateway whose tenant's provider is the hop."""

    clone: Clone
    hop: Hop
    firm: Firm
    folder: Path
    options: list[str]

    def run(self, name: str, *, through: bool) -> Run:
        """All the tests once. Raises Unusable."""
        url, key = (f"{self.firm.admin.url}/v1", self.firm.key) if through else (self.hop.url, None)
        outcomes = self.clone.run(url, self.folder / "report", key, self.options)
        print(f"{name}: {_summary(outcomes)}", file=sys.stderr, flush=True)  # noqa: T201 - progress
        return Run(outcomes, self.hop.taken())


def run(clone: Clone, mock: tuple[str, int], folder: Path, options: list[str]) -> Compared:
    """All three runs. `folder` is for what the gateway keeps; `options` are pytest's. Raises Unusable."""
    with _staged(clone, mock, folder, options) as stage:
        direct = stage.run("direct", through=False)
        setting = Setting(stage.hop.host, (b"authorization", b"Bearer " + stage.firm.account.key.encode()))
        tenant = Tenant(setting, STOCK)
        default = compare(direct, stage.run("through the gateway", through=True), tenant)
        paths = {message.line[1].decode() for sent in direct.requests.values() for message in sent}
        tenant = tenant._replace(allowed=routes.to_allow(paths))
        stage.firm.admin.put(stage.firm.path, {"allowed_paths": tenant.allowed})
        opened = compare(direct, stage.run("with allowed_paths", through=True), tenant)
    return Compared(direct, {"a new tenant": default, "a tenant with `allowed_paths`": opened}, tenant.allowed)


@contextlib.contextmanager
def _staged(clone: Clone, mock: tuple[str, int], folder: Path, options: list[str]) -> Iterator[Stage]:
    with (
        hopping(mock) as hop,
        running(["serve", "--port", "0"], gateway_environ(folder / "data"), folder / "log") as gateway,
        Admin(gateway.url) as admin,
    ):
        yield Stage(clone, hop, Firm(admin, hop.url.removesuffix("/v1")), folder, options)


def _summary(outcomes: Mapping[str, Outcome]) -> str:
    counts = Counter(outcome.how for outcome in outcomes.values())
    return ", ".join(f"{number} {how}" for how, number in sorted(counts.items()))
