"""Envoy as a gateway: a plain proxy, and one whose Lua filter writes the model into the body without parsing it.

Best configuration: one worker, no access log, no tracing, no request ids, no statistics but the needed, bodies found by
a plain search; only the rewriting one holds bodies.
"""

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.bench import tools
from tests.bench.running import Running, free_port, started
from tests.bench.upstream import TUNED

_LUA = """
function envoy_on_request(handle)
  local body = handle:body()
  local text = body:getBytes(0, body:length())
  local key, after = text:find('"model":"', 1, true)
  local ending = text:find('"', after + 1, true)
  local changed = text:sub(1, after) .. 'MODEL' .. text:sub(ending)
  body:setBytes(changed)
  handle:headers():replace("content-length", #changed)
end
"""
_TYPES = "type.googleapis.com/envoy.extensions"


@contextlib.contextmanager
def envoy(folder: Path, upstream: str, *, lua: bool = False, authority: Path | None = None) -> Iterator[Running]:
    """It, before `upstream`; with `authority`, over TLS that is verified against this certificate. Raises Missing."""
    program, port = tools.environment("envoy", tools.ENVOY) / "envoy", free_port()
    folder.mkdir(parents=True, exist_ok=True)
    configuration = folder / "envoy.json"
    configuration.write_text(json.dumps(_configuration(port, upstream, lua, authority)))
    command = [str(program), "-c", str(configuration), "--concurrency", "1", "--disable-hot-restart", "-l", "error"]
    with started(command, dict(os.environ), folder / "log", port) as pid:
        name, model = ("envoy-lua", "gpt-4o-mini") if lua else ("envoy", TUNED % "t0")
        yield Running(name, f"http://127.0.0.1:{port}", pid, model=model)


def _configuration(port: int, upstream: str, lua: bool, authority: Path | None) -> dict[str, Any]:
    return {
        "static_resources": {"listeners": [_listener(port, lua)], "clusters": [_cluster(upstream, authority)]},
        "stats_config": {"stats_matcher": {"reject_all": True}},
    }


def _listener(port: int, lua: bool) -> dict[str, Any]:
    script = {
        "name": "envoy.filters.http.lua",
        "typed_config": {
            "@type": f"{_TYPES}.filters.http.lua.v3.Lua",
            "default_source_code": {"inline_string": _LUA.replace("MODEL", TUNED % "t0")},
        },
    }
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {
            "@type": f"{_TYPES}.filters.http.router.v3.Router",
            "dynamic_stats": False,
            "suppress_envoy_headers": True,
        },
    }
    manager = {
        "@type": f"{_TYPES}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "bench",
        "generate_request_id": False,
        "stream_idle_timeout": "0s",
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_route()]}]},
        "http_filters": [script, router] if lua else [router],
    }
    return {
        "address": _address("127.0.0.1", port),
        "filter_chains": [
            {"filters": [{"name": "envoy.filters.network.http_connection_manager", "typed_config": manager}]}
        ],
    }


def _route() -> dict[str, Any]:
    credential = {"header": {"key": "authorization", "value": "Bearer sk-t0"}}
    return {
        "match": {"prefix": "/"},
        "route": {"cluster": "provider", "timeout": "0s"},
        "request_headers_to_add": [{**credential, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    }


def _cluster(upstream: str, authority: Path | None) -> dict[str, Any]:
    host, _, port = upstream.partition("://")[2].partition(":")
    endpoint = {"endpoint": {"address": _address("127.0.0.1" if host == "localhost" else host, int(port))}}
    cluster: dict[str, Any] = {
        "name": "provider",
        "type": "STATIC",
        "connect_timeout": "5s",
        "load_assignment": {"cluster_name": "provider", "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {"thresholds": [{"max_connections": 10000, "max_requests": 10000}]},
    }
    if authority is not None:
        name = {"san_type": "DNS", "matcher": {"exact": "localhost"}}
        trusted = {"trusted_ca": {"filename": str(authority)}, "match_typed_subject_alt_names": [name]}
        tls = {"sni": "localhost", "common_tls_context": {"validation_context": trusted}}
        cluster["transport_socket"] = {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {"@type": f"{_TYPES}.transport_sockets.tls.v3.UpstreamTlsContext", **tls},
        }
    return cluster


def _address(host: str, port: int) -> dict[str, Any]:
    return {"socket_address": {"address": host, "port_value": port}}
