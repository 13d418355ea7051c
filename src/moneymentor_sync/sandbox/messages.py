"""What passes between the HTTP server and the API behind it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from .errors import ApiError, bad_json
from .grid import Json


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. `path` is still percent-encoded, header names are lower case."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes = b""
    target: str = ""

    @classmethod
    def of(cls, method: str, target: str, headers: dict[str, str] | None = None, body: bytes = b"") -> Request:
        """From a request line's target."""
        parts = urlsplit(target)
        query = parse_qs(parts.query, keep_blank_values=True)
        method = (headers or {}).get("x-http-method-override", method)
        return cls(method, parts.path, query, headers or {}, body, target)

    def parameter(self, name: str) -> str | None:
        found = self.query.get(name)
        return found[-1] if found else None

    def flag(self, name: str, default: bool = False) -> bool:
        """A boolean parameter; Python's `True` is understood as Google does."""
        value = self.parameter(name)
        if value is None or value == "":
            return default
        if value.lower() in ("true", "1"):
            return True
        if value.lower() in ("false", "0"):
            return False
        raise bad_json(f"Invalid value at '{name}' (TYPE_BOOL), \"{value}\"", name)

    def options(self) -> Json:
        """The parameters as one value each."""
        return {name: values[-1] for name, values in self.query.items()}

    def json(self) -> Json:
        """The body; an empty one is an empty message. Raises 400."""
        if not self.body.strip():
            return {}
        try:
            found = msgspec.json.decode(self.body)
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise bad_json(f"Invalid JSON payload received. {error}") from error
        if not isinstance(found, dict):
            raise bad_json('Invalid JSON payload received. Unknown name "": Root element must be a message.')
        return found


@dataclass(slots=True)
class Response:
    """One HTTP answer."""

    status: int
    body: bytes = b""
    content_type: str = "application/json; charset=UTF-8"
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, value: Any, *, status: int = 200, pretty: bool = True) -> Response:
        """JSON; indented by two as Google does."""
        body = msgspec.json.encode(value)
        if pretty:
            body = msgspec.json.format(body, indent=2) + b"\n"
        return cls(status, body)

    @classmethod
    def refusal(cls, error: ApiError, *, pretty: bool = True) -> Response:
        response = cls.of(error.body(), status=error.code, pretty=pretty)
        if error.code == 401:
            response.headers["WWW-Authenticate"] = (
                'Bearer realm="https://accounts.google.com/", error="invalid_token"'
            )
        return response


def decoded(segment: str) -> str:
    """A path segment as text."""
    return unquote(segment)
