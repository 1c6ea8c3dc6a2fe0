"""What is asked of the translator: the credential that the gateway sends along, the caller's body, and what litellm
is to be called with. Pure; nothing here knows litellm but by the names of its arguments.

A body's parameters are an allow-list, the OpenAI API's own. Any other is refused, as OpenAI's API refuses it: most of
litellm's arguments say where to connect, as whom, or that nobody is to be asked at all.

Sources: the OpenAI API reference, "Create chat completion"; litellm's documentation of its providers `bedrock` and
`vertex_ai`; the Bedrock API reference, "Converse", on `modelId`; Google's service-account key format.
"""

import base64
import json
import re
from collections.abc import Callable
from typing import Any

import msgspec
from msgspec import Struct

from gateway.upstream.addresses import InvalidUrl, parse_base_url

CREDENTIAL_HEADER = b"x-housestyle-provider"

_PASSED = frozenset(
    (
        *("messages", "stream", "stream_options", "n", "modalities", "audio", "prediction", "web_search_options"),
        *("temperature", "top_p", "seed", "stop", "max_tokens", "max_completion_tokens"),
        *("presence_penalty", "frequency_penalty", "logit_bias", "logprobs", "top_logprobs"),
        *("response_format", "reasoning_effort", "verbosity"),
        *("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call"),
    ),
)
# OpenAI's own bookkeeping: no answer is different for it, so it is taken and not passed on.
_BOOKKEEPING = frozenset(
    (
        *("user", "metadata", "store", "service_tier", "safety_identifier"),
        *("prompt_cache_key", "prompt_cache_retention"),
    ),
)
# What clients send to say nothing; a provider that does not know the parameter need not hear of it.
_SAYING_NOTHING: dict[str, Any] = {
    "n": 1,
    "presence_penalty": 0,
    "frequency_penalty": 0,
    "logit_bias": {},
    "logprobs": False,
    "top_logprobs": 0,
    "parallel_tool_calls": True,
    "modalities": ["text"],
    "stream": False,
}
_PLACE = re.compile(r"[a-z0-9-]{1,40}")
_PROJECT = re.compile(r"[a-z0-9.:-]{1,63}")
_BEDROCK_MODEL = re.compile(r"[A-Za-z0-9._:-]{1,256}")
_BEDROCK_ARN = re.compile(r"arn:aws[a-z-]*:(?:bedrock|sagemaker):[a-z0-9-]+:\d{0,12}:[A-Za-z0-9._:/-]{1,512}")
_VERTEX_ENDPOINT = re.compile(r"projects/([a-z0-9.:-]{1,63})/locations/([a-z0-9-]{1,40})/endpoints/(\d{1,40})")
_VERTEX_MODEL = re.compile(r"(?:[a-z0-9-]{1,40}/)?[A-Za-z0-9._@-]{1,128}")
_LITELLM_MODEL = re.compile(r"[a-z0-9_]{1,40}/[A-Za-z0-9._:@/+-]{1,512}")
# Vertex serves these through other publishers' own forms; any other name is asked for as Google's models are.
_VERTEX_PARTNERS = ("claude", "mistral", "codestral", "jamba", "gemini")
_NOT_A_PUBLISHER = frozenset({"agent_engine", "bge", "gemma"})  # words of litellm's, not of Vertex's
_GOOGLE_TOKENS = ".googleapis.com"
_A_KEYS_LINE = 32  # characters of a private key that tell something of it by themselves


class Refused(Exception):
    """The call cannot be made as it is asked for: status, the API's code, words without a secret."""

    def __init__(self, status: int, code: str, message: str, param: str | None = None) -> None:
        self.status = status
        self.code = code
        self.message = message
        self.param = param
        super().__init__(message)


class Credential(Struct, frozen=True, forbid_unknown_fields=True):
    """Whom to ask, and as whom. `options` by kind: bedrock `region`, `access_key_id`, `session_token`; vertex
    `project`, `location`; litellm `provider`, the one provider of litellm's that this key is for."""

    kind: str
    api_key: str | None = None
    base_url: str = ""
    options: dict[str, Any] = {}

    def __repr__(self) -> str:
        return f"Credential({self.kind})"  # never the key


class Asked(Struct, frozen=True):
    """A call to make. `model` as it was asked for; `arguments` are litellm's; `base_url` and
    `token_url`, empty where there is none, are the tenant's admin's and to be judged before anything is sent there;
    `secrets` must stand in no answer; a stream without one of `end_marks` is not at its end, whatever litellm says."""

    kind: str
    model: str
    stream: bool
    with_usage: bool
    arguments: dict[str, Any]
    secrets: tuple[str, ...]
    base_url: str = ""
    token_url: str = ""
    end_marks: tuple[bytes, ...] = ()

    def __repr__(self) -> str:
        return f"Asked({self.model}, stream={self.stream})"  # never the key or the prompt


def read(headers: list[tuple[bytes, bytes]], body: bytes) -> Asked:
    """The call that a request asks for. Raises Refused."""
    credential = _credential([value for name, value in headers if name == CREDENTIAL_HEADER])
    try:
        parameters = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise Refused(400, "invalid_json", "The request body is not a JSON object that can be read.") from None
    model = parameters.pop("model", None)
    if not isinstance(model, str) or not model:
        raise Refused(400, "invalid_model_field", "The field `model` must be a string.", "model")
    arguments = passed(parameters)
    if not isinstance(arguments.get("messages"), list):
        raise Refused(400, "missing_required_parameter", "Missing required parameter: 'messages'.", "messages")
    options = arguments.get("stream_options")
    place = _KINDS[credential.kind](credential, model)
    return Asked(
        kind=credential.kind,
        model=model,
        stream=arguments.get("stream") is True,
        with_usage=isinstance(options, dict) and options.get("include_usage") is True,
        arguments=arguments | place.arguments,
        secrets=tuple(text for text in (credential.api_key, *place.secrets) if text),
        base_url=credential.base_url,
        token_url=place.token_url,
        end_marks=place.end_marks,
    )


def passed(parameters: dict[str, Any]) -> dict[str, Any]:
    """Of a body's parameters, those that go to the provider. Raises Refused for one that the API does not have."""
    kept: dict[str, Any] = {}
    for name, value in parameters.items():
        if name not in _PASSED and name not in _BOOKKEEPING:
            raise Refused(400, "unknown_parameter", f"Unknown parameter: '{name[:100]}'.", name[:100])
        if name in _PASSED and value is not None and not _says_nothing(name, value):
            kept[name] = value
    return kept


def _says_nothing(name: str, value: Any) -> bool:
    default = _SAYING_NOTHING.get(name)
    return default is not None and type(value) in (type(default), float) and value == default


def _credential(values: list[bytes]) -> Credential:
    """Sent by the gateway, once. Raises Refused."""
    if len(values) != 1:  # a second one would be somebody else's
        raise Refused(400, "invalid_credential", "The provider's credential must be sent exactly once.")
    try:
        credential = msgspec.json.decode(base64.b64decode(values[0], validate=True), type=Credential)
        if credential.base_url:
            parse_base_url(credential.base_url)
    except InvalidUrl as error:
        raise Refused(400, "invalid_credential", f"The provider's base_url cannot be used: {error}.") from None
    except (ValueError, msgspec.MsgspecError):
        raise Refused(400, "invalid_credential", "The provider's credential cannot be read.") from None
    if credential.kind not in _KINDS:
        raise Refused(400, "invalid_credential", "Providers of this kind are not served here.")
    if not credential.api_key:  # litellm would look for one of the operator's
        raise Refused(401, "invalid_api_key", "The provider has no credential; set its `api_key`.")
    if credential.api_key.startswith(("os.environ/", "oidc/")):  # litellm would read the variable or the file
        raise Refused(401, "invalid_api_key", "The provider's `api_key` is not a key.")
    return credential


# each kind


class _Place(Struct, frozen=True):
    arguments: dict[str, Any]
    token_url: str = ""
    secrets: tuple[str, ...] = ()
    end_marks: tuple[bytes, ...] = ()


def _bedrock(credential: Credential, model: str) -> _Place:
    """Converse and ConverseStream, also for ARNs: inference profiles, custom deployments, imported models."""
    if not _BEDROCK_MODEL.fullmatch(model) and not _BEDROCK_ARN.fullmatch(model):
        raise _no_such_model(model)
    options = credential.options
    arguments = {"model": f"bedrock/converse/{model}", "aws_region_name": _word(options, "region", _PLACE)}
    if credential.base_url:
        arguments["aws_bedrock_runtime_endpoint"] = credential.base_url.rstrip("/")
    session = ""
    if options.get("access_key_id"):
        arguments["aws_access_key_id"] = _word(options, "access_key_id", re.compile(r"[A-Za-z0-9_]{1,128}"))
        arguments["aws_secret_access_key"] = credential.api_key or ""
        session = str(options.get("session_token") or "")
        if session:
            arguments["aws_session_token"] = session
    else:
        arguments["api_key"] = credential.api_key or ""  # a Bedrock API key: sent as a bearer token
    return _Place(arguments, secrets=(session,) if session else ())


def _vertex(credential: Credential, model: str) -> _Place:
    """generateContent and its stream; a fine-tuned model by its endpoint's number or full name."""
    options = credential.options
    project, location = _word(options, "project", _PROJECT), _word(options, "location", _PLACE)
    endpoint = _VERTEX_ENDPOINT.fullmatch(model)
    if endpoint:
        project, location, name = endpoint[1], endpoint[2], f"gemini/{endpoint[3]}"
    elif not _VERTEX_MODEL.fullmatch(model) or model.partition("/")[0] in _NOT_A_PUBLISHER:
        raise _no_such_model(model)
    else:
        name = model if "/" in model or model.startswith(_VERTEX_PARTNERS) else f"gemini/{model}"
    account = service_account(credential.api_key or "")
    arguments = {
        "model": f"vertex_ai/{name}",
        "vertex_project": project,
        "vertex_location": location,
        "vertex_credentials": json.dumps(account, sort_keys=True),
    }
    if credential.base_url:
        arguments["api_base"] = credential.base_url.rstrip("/")
    # litellm takes every part of Gemini's for the last one; in a text these quotes would be escaped.
    marks = (b'"finishReason"', b'"blockReason"') if name.startswith("gemini") else ()
    lines = [line for line in account["private_key"].splitlines() if len(line) >= _A_KEYS_LINE]
    return _Place(arguments, account["token_uri"], (account["private_key"], *lines), marks)


def service_account(text: str) -> dict[str, str]:
    """A service account's key, those of its fields that are needed. Raises Refused.

    Nothing else is taken: of the other forms some run a program, read a file or ask the machine that they run on.
    """
    fields = ("type", "client_email", "private_key", "token_uri", "private_key_id", "project_id")
    try:
        found = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        found = {}
    account = {name: found[name] for name in fields if isinstance(found.get(name), str)}
    account.setdefault("token_uri", "https://oauth2.googleapis.com/token")
    if account.get("type") != "service_account" or not {"client_email", "private_key"} <= account.keys():
        words = "The provider's `api_key` must be the JSON text of a service account's key."
        raise Refused(401, "invalid_api_key", words)
    try:
        parse_base_url(account["token_uri"])
    except InvalidUrl:
        raise Refused(401, "invalid_api_key", "The service account's `token_uri` is not a URL.") from None
    return account


def is_googles(url: str) -> bool:
    """Whether `url` is a token endpoint of Google's own."""
    origin, _ = parse_base_url(url)
    return origin.scheme == "https" and origin.host.endswith(_GOOGLE_TOKENS)


def _litellm(credential: Credential, model: str) -> _Place:
    """Any provider of litellm's; the model's first word says which, and the key is for that one alone."""
    if not _LITELLM_MODEL.fullmatch(model) or "//" in model:
        raise _no_such_model(model)
    if model.partition("/")[0] != credential.options.get("provider"):
        raise _no_such_model(model)
    arguments = {"model": model, "api_key": credential.api_key or ""}
    if credential.base_url:
        arguments["api_base"] = credential.base_url.rstrip("/")
    return _Place(arguments)


def _word(options: dict[str, Any], name: str, form: re.Pattern[str]) -> str:
    value = options.get(name)
    if not isinstance(value, str) or not form.fullmatch(value):
        raise Refused(400, "invalid_credential", f"The provider's option `{name}` is missing or cannot be used.")
    return value


def _no_such_model(model: str) -> Refused:
    return Refused(404, "model_not_found", f"This provider has no model {model[:200]!r}.", "model")


_KINDS: dict[str, Callable[[Credential, str], _Place]] = {"bedrock": _bedrock, "vertex": _vertex, "litellm": _litellm}
