"""The channel's description as OpenAPI 3.1, made of the tables that it is served from."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict
from functools import cache
from http import HTTPStatus
from typing import Any

import msgspec
from msgspec import Struct

from moneymentor_sync import __version__

from .limits import Limits
from .operator import Document
from .paths import JSON, METRICS_TYPE, PATHS, Path
from .refusals import ANY_REQUEST, status_of

_REFERENCE = "#/components/schemas/{name}"
_PROBLEMS = {"type": "array", "items": {"type": "string"}, "description": "Each as `path: what is wrong`."}
_ERROR: Document = {
    "type": "object",
    "required": ["error"],
    "properties": {
        "error": {
            "type": "object",
            "required": ["code", "message", "hint"],
            "properties": {
                "code": {"type": "string", "minLength": 1},
                "message": {"type": "string", "minLength": 1},
                "hint": {"type": "string", "minLength": 1},
                "problems": _PROBLEMS,
            },
        }
    },
}


@cache
def description() -> Document:
    """The OpenAPI document. A HEAD is answered where a GET is, as HTTP has it, and is not in it."""
    shapes = {shape for one in PATHS for shape in (*one.gives.values(), one.asked, one.query) if shape is not None}
    ordered = sorted(shapes, key=lambda shape: shape.__name__)
    references, components = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    schemas = _Schemas(dict(zip(ordered, references, strict=True)), components)
    queries = {one.query.__name__ for one in PATHS if one.query is not None}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "mmsync's control channel",
            "version": __version__,
            "description": "HTTP/1.1 on a Unix socket. A field that may be missing may be null, too; an unknown "
            "one is refused. Content-Type is not looked at: a body is JSON in UTF-8, and an empty one is `{}`. An "
            "answer may have more keys one day.",
            "x-limits": asdict(Limits()),
        },
        "servers": [{"url": "http://localhost"}],
        "paths": _by_path(schemas),
        "components": {
            "schemas": {name: found for name, found in components.items() if name not in queries}
            | {"Error": _ERROR}
        },
    }


def codes_of(path: Path) -> frozenset[str]:
    """The codes of all errors that a request there may be answered with."""
    return frozenset({*ANY_REQUEST, *(error.code for error in path.raises)})


class _Schemas:
    """The shapes' schemas: a reference to each, and what they refer to."""

    def __init__(self, references: dict[type[Struct], Document], components: dict[str, Document]) -> None:
        self._references = references
        self._components = components

    def reference(self, shape: type[Struct]) -> Document:
        return self._references[shape]

    def whole(self, shape: type[Struct]) -> Document:
        return self._components[shape.__name__]


def _by_path(schemas: _Schemas) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = defaultdict(dict)
    for one in PATHS:
        found[one.path][one.method.lower()] = _operation(one, schemas)
    return dict(found)


def _operation(path: Path, schemas: _Schemas) -> Document:
    found: Document = {
        "operationId": path.path.strip("/").replace("/", "_").replace(".", "_"),
        "summary": path.says,
        "responses": _responses(path, schemas),
    }
    if path.query is not None:
        found["parameters"] = _parameters(schemas.whole(path.query))
    if path.asked is not None:
        found["requestBody"] = {
            "required": bool(schemas.whole(path.asked)["required"]),
            "content": {JSON: {"schema": schemas.reference(path.asked)}},
        }
    return found


def _parameters(query: Document) -> list[Document]:
    """All may be missing, or empty, which is the same; there is no null in a query."""
    return [
        {"name": name, "in": "query", "required": False, "allowEmptyValue": True, "schema": _without_null(schema)}
        for name, schema in query["properties"].items()
    ]


def _without_null(schema: Document) -> Document:
    [kind] = [one for one in schema.get("anyOf", [schema]) if one != {"type": "null"}]
    return {name: value for name, value in kind.items() if (name, value) != ("default", None)}


def _responses(path: Path, schemas: _Schemas) -> dict[str, Document]:
    """By status: the answers' shapes, and beside them the errors that have it."""
    codes: dict[HTTPStatus, list[str]] = defaultdict(list)
    for code in sorted(codes_of(path)):
        codes[status_of(code)].append(code)
    found: dict[str, Document] = {}
    for status in sorted({*path.gives, *codes}):
        shape = path.gives.get(status)
        kind, bodies = JSON, [schemas.reference(shape)] if shape is not None else []
        if status in codes:
            bodies.append(_error(codes[status]))
        elif shape is None:
            kind, bodies = METRICS_TYPE, [{"type": "string"}]
        words = " or ".join([*([status.phrase] if status in path.gives else []), *codes[status]])
        schema = bodies[0] if len(bodies) == 1 else {"anyOf": bodies}
        found[str(status.value)] = {"description": words, "content": {kind: {"schema": schema}}}
    return found


def _error(codes: list[str]) -> Document:
    of_these = {"properties": {"error": {"properties": {"code": {"enum": codes}}}}}
    return {"allOf": [{"$ref": _REFERENCE.format(name="Error")}, of_these]}
