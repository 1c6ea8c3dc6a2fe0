"""The admin API's document as a judge: every answer that a test gets must be one that the document tells of.

Plain JSON Schema; nothing of ours is imported.
"""

import copy
import json
import re
from typing import Any
from urllib.parse import unquote

import httpx2
from jsonschema import Draft202012Validator

_PLACEHOLDER = re.compile(r"\{\w+\}")
_JSON = "application/json"


class NotTold(AssertionError):
    """An answer that the document does not tell of."""


class Document:
    """An OpenAPI document. Of answers it is taken strictly: a field that it does not name is none."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._components = copy.deepcopy(document["components"])
        for schema in self._components["schemas"].values():
            if "properties" in schema:
                schema.setdefault("additionalProperties", False)
        # A path without placeholders goes before one with them (OpenAPI 3.1, section 4.8.8.2).
        paths = sorted(document["paths"].items(), key=lambda item: item[0].count("{"))
        self._paths = [(re.compile(_PLACEHOLDER.sub("[^/]+", path)), told) for path, told in paths]
        self._validators: dict[str, Draft202012Validator] = {}

    def check(self, method: str, path: str, answer: httpx2.Response) -> None:
        """Raises NotTold. `path` is below /admin/api; one that the document does not have is no concern of it."""
        operation = self._operation(method, unquote(path.partition("?")[0]))
        if operation is None:
            return
        told = operation["responses"].get(str(answer.status_code))
        if told is None:
            raise NotTold(f"{method} {path}: {answer.status_code} {answer.text[:200]}")
        for name in told.get("headers", {}):
            if name.startswith("x-") and not answer.headers.get(name, "").isdecimal():
                raise NotTold(f"{method} {path}: no header {name}")
        if "content" not in told:
            if answer.content:
                raise NotTold(f"{method} {path}: a body, {answer.text[:200]}")
            return
        kind = answer.headers.get("content-type", "").partition(";")[0]
        if kind not in told["content"]:
            raise NotTold(f"{method} {path}: {kind}")
        self._check_body(f"{method} {path}", kind, told["content"][_JSON]["schema"], answer)

    def _operation(self, method: str, path: str) -> Any:
        for form, told in self._paths:
            if form.fullmatch(path):
                return told.get(method.lower())
        return None

    def _check_body(self, where: str, kind: str, schema: dict[str, Any], answer: httpx2.Response) -> None:
        if kind == _JSON:
            self._check_value(where, schema, answer.json())
        elif kind == "application/x-ndjson":
            of_list = self._components["schemas"][schema["$ref"].rpartition("/")[2]]
            for line in answer.text.splitlines():
                self._check_value(where, of_list["properties"]["items"]["items"], json.loads(line))

    def _check_value(self, where: str, schema: dict[str, Any], value: Any) -> None:
        text = json.dumps(schema)
        if text not in self._validators:
            self._validators[text] = Draft202012Validator({**schema, "components": self._components})
        for error in self._validators[text].iter_errors(value):
            raise NotTold(f"{where}: {error.json_path}: {error.message}")
