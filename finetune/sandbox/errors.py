"""The provider's errors, as a table: status, type, code, wording. Raised anywhere, answered in app.py.

Only what the provider itself would say. Wording that depends on the request is filled in by the
caller; nothing here reads a request.
"""

from __future__ import annotations

from enum import Enum

from msgspec import Struct


class Shape(Struct, frozen=True):
    status: int
    message: str
    param: str | None = None
    code: str | None = None
    type: str = "invalid_request_error"


class Refusal(Enum):
    """One row for each thing the provider refuses; braces are filled in by `ApiError`."""

    NO_KEY = Shape(
        401,
        "You didn't provide an API key. You need to provide your API key in an Authorization header using "
        "Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        code="invalid_api_key",
    )
    WRONG_KEY = Shape(
        401,
        "Incorrect API key provided: {hint}. Any key that starts with sk- is accepted by the sandbox.",
        code="invalid_api_key",
    )
    UNKNOWN_URL = Shape(404, "Invalid URL ({method} {path})")
    WRONG_METHOD = Shape(
        405,
        "Not allowed to {method} on {path}. (HINT: Perhaps you meant to use a different HTTP method?)",
        code="method_not_supported",
    )
    TOO_LARGE = Shape(413, "Request body is larger than the limit of {limit} bytes.", code="request_too_large")
    FILE_TOO_LARGE = Shape(413, "File is larger than the limit of {limit} bytes.", param="file", code="file_too_large")
    NOT_JSON = Shape(
        400,
        "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your "
        "HTTP library correctly. The OpenAI API expects a JSON payload, but this was not valid JSON.)",
    )
    NO_MODEL = Shape(400, "you must provide a model parameter")
    MODEL_NOT_FOUND = Shape(
        404,
        "The model `{model}` does not exist or you do not have access to it.",
        code="model_not_found",
    )
    MODEL_RETIRED = Shape(
        404,
        "The model `{model}` has been deprecated and was shut down on {date}.",
        code="model_not_found",
    )
    MODEL_NOT_YOURS = Shape(
        403, "You have insufficient permissions for this operation: {model} is not a fine-tuned model."
    )
    NOT_TUNABLE = Shape(
        400,
        "Model {model} is not available for fine-tuning or does not exist.",
        param="model",
        code="model_not_available",
    )
    UNKNOWN_PARAMETER = Shape(400, "Unknown parameter: '{param}'.", param="{param}", code="unknown_parameter")
    MISSING_PARAMETER = Shape(
        400, "Missing required parameter: '{param}'.", param="{param}", code="missing_required_parameter"
    )
    INVALID_TYPE = Shape(
        400,
        "Invalid type for '{param}': expected {expected}, but got {got} instead.",
        param="{param}",
        code="invalid_type",
    )
    INVALID_VALUE = Shape(400, "Invalid '{param}': {reason}", param="{param}", code="invalid_value")
    EMPTY_ARRAY = Shape(
        400,
        "Invalid '{param}': empty array. Expected an array with minimum length 1, but got an empty array instead.",
        param="{param}",
        code="empty_array",
    )
    STREAM_OPTIONS = Shape(
        400,
        "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        param="stream_options",
    )
    UNSUPPORTED_METHOD = Shape(
        400,
        "Fine-tuning method '{method}' is not supported here; only 'supervised' is.",
        param="method.type",
        code="unsupported_method",
    )
    UNSUPPORTED_VALUE = Shape(400, "Unsupported value: '{param}' {reason}", param="{param}", code="unsupported_value")
    NO_FILE = Shape(404, "No such File object: {id}", param="id")
    INVALID_FILE_ID = Shape(400, "invalid file id: {id}", param="{param}", code="invalid_file_id")
    WRONG_PURPOSE = Shape(
        400,
        "File {id} has purpose '{purpose}'; a fine-tuning job needs a file of purpose 'fine-tune'.",
        param="{param}",
        code="invalid_file_purpose",
    )
    NOT_JSONL = Shape(
        400,
        "Invalid file format for Fine-Tuning API. Must be .jsonl",
        param="file",
        code="invalid_file_format",
    )
    EMPTY_FILE = Shape(400, "File is empty.", param="file", code="empty_file")
    FILE_IN_USE = Shape(
        400, "File {id} is being used by fine-tuning job {job}; cancel the job first.", code="file_in_use"
    )
    NO_JOB = Shape(404, "Could not find fine tune: {id}", param="fine_tune_id", code="fine_tune_not_found")
    JOB_OVER = Shape(
        400, "Job has already completed: {id} is {status}.", param="fine_tune_id", code="job_not_cancellable"
    )
    TOO_MANY_JOBS = Shape(
        429,
        "This fine-tune request has been rate-limited. Your organization has reached the maximum of {limit} "
        "active fine-tuning jobs; wait for one to end or cancel one.",
        code="rate_limit_exceeded",
    )
    RATE_LIMIT = Shape(
        429,
        "Rate limit reached for requests in organization sandbox. Please try again in {seconds}s.",
        code="rate_limit_exceeded",
        type="requests",
    )
    SERVER_ERROR = Shape(
        500,
        "The server had an error while processing your request. Sorry about that!",
        type="server_error",
    )


class ApiError(Exception):
    """A refusal with its blanks filled in; `status`, `body` and `headers` are what is answered."""

    def __init__(self, refusal: Refusal, *, headers: dict[str, str] | None = None, **blanks: object) -> None:
        shape = refusal.value
        super().__init__(shape.message.format_map(blanks))
        self.refusal = refusal
        self.status = shape.status
        self.headers = headers or {}
        self.body = {
            "error": {
                "message": str(self),
                "type": shape.type,
                "param": shape.param.format_map(blanks) if shape.param else None,
                "code": shape.code,
            }
        }
