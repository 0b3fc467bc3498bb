"""The JSON Schema of policy files, made from the code, for editors and for tools that know no Python.

It says as much as a schema can: names, types, how an origin, a method and a header name look, which codes are dangers.
Whether a policy is a good one, `crossorigin.load` says. ``schema.json``, which the package carries, is made from this
module; its words are those of ``sections`` (what a file holds) and of ``validation`` (what an argument may be).
"""

from typing import Any

from . import fetch
from .findings import CATALOGUE
from .origins import ANY, NULL, OPAQUE_SCHEMES, WEBSOCKET_SCHEMES
from .sections import NO_MAX_AGE, RESERVED, SCHEMA_KEY, SECTIONS
from .validation import DEFAULTS, MAX_AGE_LIMIT

Schema = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# The patterns of ECMA-262, which a schema uses, have no \A and \Z; of a label's and a number's bounds they say nothing.
_TOKEN = "^[!#$%&'*+.^_`|~0-9A-Za-z-]+$"
_LABELS = r"[a-z0-9_-]+(\.[a-z0-9_-]+)*\.?"
_NO_PAGE = "|".join(sorted(OPAQUE_SCHEMES | WEBSOCKET_SCHEMES.keys()))
_DEFAULT_PORT = r"(http://[^/]*:80|https://[^/]*:443)$"
_ORIGIN = (
    rf"^(?!({_NO_PAGE}):)(?!{_DEFAULT_PORT})[a-z][a-z0-9+.-]{{0,63}}://"
    rf"(\*|(\*\.)?{_LABELS}|\[[0-9a-f:]{{2,39}}\])(:([1-9][0-9]{{0,4}}|\*))?$"
)
_PATH = r"^/[^?#*]*$"

# What editors show beside each argument; docs/policy-files.md and the docstring of `Policy` say more.
_DESCRIPTIONS = {
    "allow_origins": "The pages that may: https://app.example.com, https://*.example.com, http://localhost:*, or *.",
    "allow_credentials": "Whether pages may send and get cookies, HTTP authentication and client certificates.",
    "allow_methods": "Methods, or *. GET, HEAD and POST always pass.",
    "allow_headers": "Request headers, or *, which does not cover Authorization.",
    "expose_headers": "Response headers that pages may read, or *.",
    "max_age": "How many seconds browsers may remember a preflight; 0 asks for no caching, none sends nothing.",
    "allow_private_network": "Whether to answer the private-network preflight, which browsers have given up.",
    "dangerously_allow": "Codes of the dangers that this policy accepts on purpose.",
}


def build() -> Schema:
    """Return the schema of a policy file, of ``[tool.crossorigin]`` too.

    >>> build()["$defs"]["policy"]["required"]
    ['allow_origins']
    """
    return {
        "$schema": DIALECT,
        "title": "A policy file of crossorigin",
        "description": "The arguments of one policy; or named policies, groups of them and path rules.",
        "type": "object",
        "if": {"anyOf": [{"required": [section]} for section in SECTIONS]},
        "then": {"$ref": "#/$defs/file"},
        "else": {"$ref": "#/$defs/policy"},
        "$defs": {
            "file": _file(),
            "policy": _policy(),
            "name": {"type": "string", "not": {"enum": list(RESERVED)}},
            "origin": _origin(),
            "method": _method(),
            "header": {"type": "string", "pattern": _TOKEN},
            "danger": _danger(),
        },
    }


def _file() -> Schema:
    names: Schema = {"not": {"enum": list(RESERVED)}}
    return {
        "properties": {
            SCHEMA_KEY: {"type": "string"},
            "policies": {
                "description": "Policies by name.",
                "type": "object",
                "propertyNames": names,
                "additionalProperties": {"$ref": "#/$defs/policy"},
            },
            "any-of": {
                "description": "Groups by name: the first policy of a group that allows the origin decides.",
                "type": "object",
                "propertyNames": names,
                "additionalProperties": {"type": "array", "minItems": 1, "items": {"$ref": "#/$defs/name"}},
            },
            "paths": {
                "description": "The first path that covers that of the request decides. LEAVE hands requests to "
                "whatever is inside; NONE allows no other origin.",
                "type": "object",
                "minProperties": 1,
                "propertyNames": {"pattern": _PATH},
                "additionalProperties": {"type": "string"},
            },
            "use": {"description": "Which policy or group counts, where there are several.", "$ref": "#/$defs/name"},
        },
        "additionalProperties": False,
        "oneOf": [
            {"required": ["paths"]},
            {"required": ["use"]},
            {
                "description": "Neither path rules nor use: one policy, which is the one that counts.",
                "required": ["policies"],
                "properties": {
                    "policies": {"minProperties": 1, "maxProperties": 1},
                    "any-of": {"maxProperties": 0},
                    "paths": False,
                    "use": False,
                },
            },
        ],
    }


def _policy() -> Schema:
    flag: Schema = {"type": "boolean"}
    kinds: dict[str, Schema] = {
        "allow_origins": _one_or_many("origin"),
        "allow_credentials": flag,
        "allow_methods": _one_or_many("method"),
        "allow_headers": _one_or_many("header"),
        "expose_headers": _one_or_many("header"),
        "max_age": {
            "anyOf": [{"type": "integer", "minimum": 0, "maximum": MAX_AGE_LIMIT}, {"enum": [NO_MAX_AGE, None]}]
        },
        "allow_private_network": flag,
        "dangerously_allow": _one_or_many("danger"),
    }
    properties: Schema = {SCHEMA_KEY: {"type": "string"}}
    for name, default in DEFAULTS.items():
        if name != "allow_origin_check":  # a function, which no file holds
            properties[name] = {"description": _DESCRIPTIONS[name], **kinds[name]}
            if isinstance(default, (bool, int)):
                properties[name]["default"] = default
    return {"type": "object", "properties": properties, "required": ["allow_origins"], "additionalProperties": False}


def _one_or_many(kind: str) -> Schema:
    one = {"$ref": f"#/$defs/{kind}"}
    return {"anyOf": [one, {"type": "array", "items": one}]}


def _origin() -> Schema:
    expression = {"type": "string", "format": "regex"}
    return {
        "anyOf": [
            {"enum": [ANY, NULL]},
            {"type": "string", "pattern": _ORIGIN},
            {
                "type": "object",
                "properties": {"regex": expression},
                "required": ["regex"],
                "additionalProperties": False,
            },
        ]
    }


def _method() -> Schema:
    refused = sorted(fetch.FORBIDDEN_METHODS | {method.lower() for method in fetch.NORMALIZED_METHODS})
    return {"type": "string", "pattern": _TOKEN, "not": {"enum": refused}}


def _danger() -> Schema:
    return {
        "anyOf": [
            {"const": kind.code, "description": f"{kind.sentence[0].upper()}{kind.sentence[1:]}."}
            for kind in CATALOGUE
            if kind.severity == "danger"
        ]
    }
