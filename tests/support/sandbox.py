"""The sandbox provider as a test steers and watches it: faults ordered, calls and jobs seen."""

from typing import Any

import httpx2

from tests.support.admin import NO_TLS

CREATE = {"method": "POST", "path": "/v1/fine_tuning/jobs"}
POLL = {"method": "GET", "path": "/v1/fine_tuning/jobs/ftjob*"}
UPLOAD = {"method": "POST", "path": "/v1/files"}


class Account:
    """One API key's account at a sandbox."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self.key = key
        self.base_url = f"{url}/v1"

    def order(self, kind: str, match: dict[str, str], times: int | None = 1, **fault: Any) -> None:
        """Orders a fault for the next `times` requests (None: all) of this account that match."""
        body = {"fault": {"kind": kind, **fault}, "match": match, "times": times, "account": self.key}
        answer = httpx2.post(f"{self._url}/sandbox/faults", json=body, verify=NO_TLS)
        assert answer.status_code == 201, answer.text

    def retire(self, model: str, date: str | None) -> None:
        """Announces the end of a stock model, for every account; None takes it back."""
        body = {"model": model, "shutdown_date": date}
        answer = httpx2.post(f"{self._url}/sandbox/models", json=body, verify=NO_TLS)
        assert answer.status_code == 200, answer.text

    def clear(self) -> None:
        """Takes back every fault that was ordered, for every account."""
        httpx2.delete(f"{self._url}/sandbox/faults", verify=NO_TLS)

    def ask(self, method: str, path: str) -> httpx2.Response:
        """A request of the account's owner, past any gateway; it must succeed."""
        headers = {"authorization": f"Bearer {self.key}"}
        answer = httpx2.request(method, self._url + path, headers=headers, verify=NO_TLS)
        assert answer.status_code == 200, answer.text
        return answer

    def calls(self, method: str = "", path: str = "") -> list[Any]:
        """The calls that reached this account, oldest first."""
        answer = httpx2.get(f"{self._url}/sandbox/calls", params={"account": self.key}, verify=NO_TLS)
        return [
            call
            for call in answer.json()["calls"]
            if call["method"].startswith(method) and call["path"].startswith(path)
        ]

    def jobs(self) -> list[Any]:
        """The account's jobs, newest first."""
        return self._listed("/v1/fine_tuning/jobs")

    def files(self) -> list[Any]:
        """The account's training files."""
        return [file for file in self._listed("/v1/files") if file["purpose"] == "fine-tune"]

    def _listed(self, path: str) -> list[Any]:
        items: list[Any] = self.ask("GET", path).json()["data"]
        return items
