"""The JSON Schema that the package carries: made from the code, true to the examples, and of use to an editor."""

import json
import runpy
import tomllib
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from crossorigin import Policy
from crossorigin.answer import Rules
from crossorigin.files import load
from crossorigin.schema import build
from crossorigin.validation import DEFAULTS

ROOT = Path(__file__).parent.parent
SCHEMA = Draft202012Validator(build(), format_checker=Draft202012Validator.FORMAT_CHECKER)
APP = "https://app.example.com"


def is_valid(data: Any) -> bool:
    return bool(SCHEMA.is_valid(data))


def test_the_shipped_schema_is_made_from_the_code() -> None:
    made = runpy.run_path(str(ROOT / "docs" / "generate.py"))["schema_file"]()

    assert (files("crossorigin") / "schema.json").read_text(encoding="utf-8") == made, "run `make docs`"


def test_it_is_a_schema() -> None:
    Draft202012Validator.check_schema(build())


def test_it_has_every_argument_that_a_file_can_hold_with_its_default() -> None:
    policy = build()["$defs"]["policy"]
    properties = policy["properties"]

    assert properties.keys() == DEFAULTS.keys() - {"allow_origin_check"} | {"$schema"}
    assert {name: one["default"] for name, one in properties.items() if "default" in one} == {
        "allow_credentials": False,
        "allow_private_network": False,
        "max_age": 600,
    }


@pytest.mark.parametrize("name", ["crossorigin.toml", "crossorigin.json"])
def test_the_examples_are_valid_and_load(name: str) -> None:
    text = (ROOT / "examples" / name).read_text(encoding="utf-8")

    assert is_valid(tomllib.loads(text) if name.endswith("toml") else json.loads(text))
    assert isinstance(load(ROOT / "examples" / name), Rules)


POLICY = {"allow_origins": APP}

ORIGINS = [
    *("*", "null", {"regex": "https://a+"}, "http://localhost:*", "https://*.example.com:8443", "https://*:*"),
    *("http://[::1]:3000", "http://127.0.0.1", "chrome-extension://abc", "http://a_b.example.", "https://a.example:80"),
]

VALID: list[dict[str, Any]] = [
    {"$schema": "crossorigin/schema.json", **POLICY},
    {**POLICY, "allow_methods": "*", "allow_headers": ["X-A"], "max_age": "none"},
    {**POLICY, "max_age": None, "dangerously_allow": "public-suffix"},
    {"policies": {"a": POLICY}},
    {"use": "b", "policies": {"a": POLICY, "b": POLICY}, "any-of": {"c": ["a", "b"]}},
    {"paths": {"/a": "LEAVE", "/": "a"}, "policies": {"a": POLICY}},
    {"paths": {"/": "NONE"}},
]

# Each is refused for one reason.
WRONG: list[dict[str, Any]] = [
    {},
    {"max_age": 5},
    *(
        {"allow_origins": [origin]}
        for origin in ("", "app.example.com", f"{APP}/", f"{APP}:443", "https://App.example")
    ),
    *({"allow_origins": origin} for origin in ("https://a*.example", "wss://a.example", "file://x", f"{APP}:080", 5)),
    {"allow_origins": {"regex": "("}},
    {"allow_origins": {"regex": "a", "flags": "i"}},
    {**POLICY, "allow_origin": APP},
    {**POLICY, "allow_origin_check": "f"},
    {**POLICY, "allow_credentials": "yes"},
    {**POLICY, "allow_methods": ["PUT, DELETE"]},
    {**POLICY, "allow_methods": ["put"]},
    {**POLICY, "allow_methods": "TRACE"},
    {**POLICY, "allow_headers": "X-A:"},
    {**POLICY, "max_age": 86401},
    {**POLICY, "max_age": "600"},
    {**POLICY, "dangerously_allow": "origin-path"},
    {"policies": {}},
    {"policies": POLICY},
    {"policies": {"LEAVE": POLICY}},
    {"policies": {"a": POLICY}, **POLICY},
    {"policies": {"a": POLICY, "b": POLICY}},
    {"policies": {"a": POLICY}, "use": "NONE"},
    {"policies": {"a": POLICY}, "use": "a", "paths": {"/": "a"}},
    {"policies": {"a": POLICY}, "paths": {"a": "a"}},
    {"policies": {"a": POLICY}, "paths": {}},
    {"policies": {"a": POLICY}, "any-of": {"b": []}, "use": "b"},
    {"policies": {"a": POLICY}, "any-of": {"b": "a"}, "use": "b"},
]


@pytest.mark.parametrize("origin", ORIGINS, ids=json.dumps)
def test_an_origin_that_a_policy_may_declare_is_valid(origin: object) -> None:
    data = {"allow_origins": [origin], "dangerously_allow": ["null-origin"]}

    assert is_valid(data)
    assert is_valid(Policy.from_mapping(data).to_mapping())


@pytest.mark.parametrize("data", VALID, ids=json.dumps)
def test_what_loads_is_valid(data: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "cors.json"
    path.write_text(json.dumps(data), encoding="utf-8")

    assert is_valid(data)
    assert isinstance(load(path), Rules)


@pytest.mark.parametrize("data", WRONG, ids=json.dumps)
def test_what_is_not_valid_does_not_load(data: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "cors.json"
    path.write_text(json.dumps(data), encoding="utf-8")

    assert not is_valid(data)
    with pytest.raises(ValueError, match="the policy file has 1 problem"):
        load(path)


def test_what_a_policy_writes_is_valid() -> None:
    policy = Policy([APP, "http://localhost:*"], allow_methods=["PATCH"], allow_headers="*", max_age=None)

    assert is_valid(policy.to_mapping())
