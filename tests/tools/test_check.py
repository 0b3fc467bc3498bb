"""``crossorigin check``: all problems at once, what a policy means, and where the policy is in an application."""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from crossorigin.tools.check import check
from crossorigin.tools.source import Address, Application, rules_of, target_of
from crossorigin.tools.terminal import WrongUse

from .screens import drawn, piped

# One problem on each line but the first three, whose problems are two of one entry.
TEN = """
allow_origins = [
  "https://app.example.com/",
  "*.example.org",
  "https://Example.com",
  "null",
]
allow_credentials = "yes"
allow_methods = ["TRACE", "put"]
allow_headers = ["X-Id:", "Cookie"]
max_age = -9
"""
TEN_CODES = {
    "origin-path", "origin-scheme-missing", "origin-uppercase", "null-origin", "flag-type", "method-forbidden",
    "method-case", "header-token", "header-forbidden", "max-age-range",
}  # fmt: skip

POLICIES = """
import re
import crossorigin.aiohttp, crossorigin.asgi, crossorigin.kui, crossorigin.starlette, crossorigin.wsgi
import kui.asgi
from aiohttp import web
from crossorigin import AnyOf, ByPath, Policy
from crossorigin.compat.asgi_cors import asgi_cors
from crossorigin.compat.starlette import CORSMiddleware as DropIn
from crossorigin.compat.wsgicors import CORS
from fastapi import FastAPI
from fastapi.middleware.cors import CORSMiddleware
from flask import Flask

print("a module may print")
APP = "https://app.example.com"
policy = Policy(APP, allow_credentials=True, allow_methods=["PUT"])
mapping = {"allow_origins": [APP], "max_age": 60}
number = 3

def made(): return policy
async def made_async(): return policy
def made_wrong(): return 3
def made_broken(): return Policy("example.com")
def raises(): raise OSError("no such database")
def needs(argument): return policy

class nested: inner = policy

fastapi = FastAPI()
crossorigin.starlette.setup(fastapi, policy)
@fastapi.get("/feed")
@crossorigin.starlette.cors(Policy("*"))
async def feed(): ...
added = FastAPI()
added.add_middleware(crossorigin.asgi.CORSMiddleware, policy=policy)
dropped_in = FastAPI()
dropped_in.add_middleware(DropIn, allow_origins=[APP])
mounting = FastAPI()
mounting.mount("/sub", fastapi)
bare_fastapi = FastAPI()
foreign = FastAPI()
foreign.add_middleware(CORSMiddleware, allow_origins=[APP])
flask = Flask("flask")
flask.wsgi_app = crossorigin.wsgi.CORSMiddleware(flask.wsgi_app, policy)
bare_flask = Flask("flask")
aiohttp = web.Application()
crossorigin.aiohttp.setup(aiohttp, policy)
bare_aiohttp = web.Application()
kui_app = crossorigin.kui.setup(kui.asgi.Kui(), policy)
bare_kui = kui.asgi.Kui()
async def asgi(scope, receive, send): ...
wrapped = crossorigin.asgi.CORSMiddleware(asgi, policy)
twice = crossorigin.asgi.CORSMiddleware(crossorigin.asgi.CORSMiddleware(asgi, policy), Policy("*"))
decorated = asgi_cors(asgi, hosts=[APP])
def wsgi(environ, start_response): return []
paste = CORS(wsgi, origin=APP)
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with a module, of which nothing is left afterwards."""
    (tmp_path / "policies.py").write_text(POLICIES, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    yield tmp_path
    for name in ("policies", "broken"):
        sys.modules.pop(name, None)


def test_ten_problems_are_all_told_with_their_fixes_and_lines(folder: Path) -> None:
    Path("crossorigin.toml").write_text(TEN, encoding="utf-8")

    status, out = piped(lambda terminal: check(terminal, None))

    assert status == 1
    lines = [line for line in out.splitlines() if line.startswith("  ")]
    assert {match[0].strip("[]") for line in lines if (match := re.search(r"\[[a-z-]+\]$", line))} == TEN_CODES
    assert len(lines) == 10
    assert out.startswith("10 errors:\n")
    (scheme,) = (line for line in lines if "origin-scheme-missing" in line)
    assert scheme.startswith("  crossorigin.toml:4: allow_origins[1]")
    assert "write 'https://*.example.org'" in scheme


def test_the_ten_are_aligned(folder: Path) -> None:
    Path("crossorigin.toml").write_text(TEN, encoding="utf-8")

    lines = piped(lambda terminal: check(terminal, None))[1].splitlines()[1:11]

    value = min(line.index("'") for line in lines if "'null'" in line)
    assert all(line[value - 2 : value] == "  " and line[value] != " " for line in lines)


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_on_a_terminal_the_ten_wrap_in_their_columns(
    folder: Path, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    Path("crossorigin.toml").write_text(TEN, encoding="utf-8")

    out = drawn(monkeypatch, lambda terminal: check(terminal, None), columns)

    assert max(map(len, out.splitlines())) <= columns
    words = " ".join(out.split())
    assert all(code in words.replace("- ", "-") for code in TEN_CODES)
    assert all(f"crossorigin.toml:{line}" in out for line in (3, 4, 5, 6, 8, 9, 10, 11))


def test_on_a_terminal_an_entry_stands_once_however_much_is_wrong_with_it(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("crossorigin.toml").write_text("allow_origins = ['https://Example.com:443/']", encoding="utf-8")

    out = drawn(monkeypatch, lambda terminal: check(terminal, None), 140)

    assert (out.count("'https://Example.com:443/'"), out.count("crossorigin.toml:1")) == (1, 1)
    assert out.startswith("3 errors:")


def test_on_a_terminal_a_long_value_leaves_room_for_the_advice(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = "a" * 100
    Path("crossorigin.toml").write_text(f"allow_origins = ['https://example.com/{path}']", encoding="utf-8")

    out = drawn(monkeypatch, lambda terminal: check(terminal, None), 80)

    assert "an origin has no path, not" in out
    assert all(len(line.rstrip()) <= 80 for line in out.splitlines())


def test_json_parses_and_has_all_of_it(folder: Path) -> None:
    Path("crossorigin.toml").write_text(TEN, encoding="utf-8")

    status, out = piped(lambda terminal: check(terminal, None), as_json=True)

    told = json.loads(out)
    assert (status, told["good"], told["warnings"], told["meaning"]) == (1, False, [], [])
    assert {error["code"] for error in told["errors"]} == TEN_CODES
    scheme = next(error for error in told["errors"] if error["code"] == "origin-scheme-missing")
    assert (scheme["line"], scheme["key"], scheme["fix"]) == (4, "allow_origins[1]", "https://*.example.org")


def test_a_good_policy_is_told_in_words(folder: Path) -> None:
    status, out = piped(lambda terminal: check(terminal, "policies:policy"))

    assert status == 0
    assert "pages on https://app.example.com may send PUT, with cookies; browsers remember this for 10 minutes" in out
    assert out.endswith("nothing to do\n")


def test_a_warning_is_a_finding_and_an_accepted_danger_is_settled(folder: Path) -> None:
    Path("warned.toml").write_text("allow_origins = ['https://a.example']\nallow_methods = ['GET']", encoding="utf-8")
    Path("danger.json").write_text('{"allow_origins": ["null"], "dangerously_allow": "null-origin"}', encoding="utf-8")

    warned, told = piped(lambda terminal: check(terminal, "warned.toml"))
    accepted, said = piped(lambda terminal: check(terminal, "danger.json"))

    assert (warned, accepted) == (1, 0)
    assert told.startswith("1 warning:\n  warned.toml:2: allow_methods[0]  'GET'  ")
    assert said.startswith('1 danger accepted:\n  danger.json:1: allow_origins[0]  "null"  ')
    assert "accepted on purpose" in said


def test_what_may_well_be_meant_is_told_and_makes_no_finding(folder: Path) -> None:
    Path("crossorigin.toml").write_text("allow_origins = '*'\nallow_headers = '*'", encoding="utf-8")

    status, out = piped(lambda terminal: check(terminal, None))

    assert status == 0
    assert "crossorigin.toml:2: allow_headers  '*'  by the standard '*' does not cover Authorization, though" in out
    assert "; name Authorization beside '*', if pages send it [headers-without-authorization]" in out
    assert out.endswith("nothing to do: see the warning\n")


def test_what_nothing_in_a_file_leads_to_is_told_with_its_own_warnings(folder: Path) -> None:
    Path("crossorigin.toml").write_text(UNUSED, encoding="utf-8")

    status, out = piped(lambda terminal: check(terminal, None), as_json=True)

    warnings = [(one["line"], one["key"], one["code"]) for one in json.loads(out)["warnings"]]
    assert status == 1
    assert warnings == [
        (5, "policies.b", "unused-policy"),
        (7, "policies.b.allow_methods[1]", "method-always-passes"),
        (9, "any-of.g", "unused-policy"),
        (12, 'paths."/x/y"', "unreachable-rule"),
    ]


UNUSED = """
[policies.a]
allow_origins = "https://a.example"

[policies.b]
allow_origins = "https://b.example"
allow_methods = ["PUT", "GET"]
[any-of]
g = ["b"]
[paths]
"/x" = "a"
"/x/y" = "a"
"""


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("max_age = nan", "nan"),
        ("max_age = 2020-01-01", "datetime.date(2020, 1, 1)"),
        # Python 3.13 writes nests as deep as that.
        *([] if sys.version_info >= (3, 13) else [(f"{'.'.join('a' * 1200)} = 1", "<dict>")]),
    ],
)
def test_what_json_cannot_hold_is_shown(folder: Path, text: str, value: str) -> None:
    Path("crossorigin.toml").write_text(f"allow_origins = '*'\n{text}", encoding="utf-8")

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    status, out = piped(lambda terminal: check(terminal, None), as_json=True)

    (error,) = json.loads(out, parse_constant=refuse)["errors"]
    assert (status, error["value"]) == (1, value)
    assert piped(lambda terminal: check(terminal, None))[0] == 1


def test_a_file_that_does_not_say_which_policy_counts_has_an_error(folder: Path) -> None:
    text = "[policies]\na.allow_origins = '*'\nb.allow_origins = '*'"
    Path("crossorigin.toml").write_text(text, encoding="utf-8")

    status, out = piped(lambda terminal: check(terminal, None), as_json=True)

    (error,) = json.loads(out)["errors"]
    assert (status, error["message"][:35]) == (1, "nothing says which policy counts; a")


def test_on_a_terminal_no_word_of_the_advice_is_torn(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Path("broken.py").write_text("import crossorigin\npolicy = crossorigin.Policy('null')", encoding="utf-8")

    out = drawn(monkeypatch, lambda terminal: check(terminal, "broken:policy"), 60)

    words = out.split()
    assert "['null-" in "".join(words)
    assert "origin']" in words


@pytest.mark.parametrize("name", ["policy", "made", "made_async", "nested.inner"])
def test_what_names_a_policy(folder: Path, name: str) -> None:
    assert repr(rules_of(f"policies:{name}")).startswith("Policy(['https://app.example.com'], allow_credentials=True")


def test_a_mapping_names_one_too(folder: Path) -> None:
    assert repr(rules_of("policies:mapping")) == "Policy(['https://app.example.com'], max_age=60)"


@pytest.mark.parametrize("name", ["fastapi", "added", "flask", "aiohttp", "kui_app", "wrapped", "twice"])
def test_the_policy_in_an_application_is_found(folder: Path, name: str) -> None:
    assert isinstance(target_of(f"policies:{name}"), Application)
    assert rules_of(f"policies:{name}") is sys.modules["policies"].policy


@pytest.mark.parametrize("name", ["dropped_in", "decorated", "paste"])
def test_the_policy_of_a_drop_in_is_found(folder: Path, name: str) -> None:
    out = piped(lambda terminal: check(terminal, f"policies:{name}"))[1]

    assert "pages on https://app.example.com may send" in out


def test_endpoints_with_policies_of_their_own_are_told(folder: Path) -> None:
    meaning = json.loads(piped(lambda terminal: check(terminal, "policies:fastapi"), as_json=True)[1])["meaning"]

    assert [one["where"] for one in meaning] == ["", "/feed"]
    assert "any website" in meaning[1]["text"]


def test_mounted_applications_are_told(folder: Path) -> None:
    meaning = json.loads(piped(lambda terminal: check(terminal, "policies:mounting"), as_json=True)[1])["meaning"]

    assert [one["where"] for one in meaning] == ["/sub/", "/sub/feed"]


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("foreign", "crossorigin.starlette.setup(app, policy); `crossorigin explain policies:foreign --origin"),
        ("bare_flask", "app.wsgi_app = CORSMiddleware(app.wsgi_app, policy), with CORSMiddleware of crossorigin.wsgi"),
        ("bare_aiohttp", "crossorigin.aiohttp.setup(app, policy)"),
        ("bare_kui", "crossorigin.kui.setup(app, policy)"),
        ("asgi", "app = CORSMiddleware(app, policy), with that of crossorigin.asgi or crossorigin.wsgi"),
        ("wsgi", "app = CORSMiddleware(app, policy), with that of crossorigin.asgi or crossorigin.wsgi"),
    ],
)
def test_where_no_policy_is_found_it_says_what_to_write(folder: Path, name: str, write: str) -> None:
    for find in (lambda: rules_of(f"policies:{name}"), lambda: piped(lambda end: check(end, f"policies:{name}"))):
        with pytest.raises(WrongUse) as caught:
            find()
        assert str(caught.value).startswith(f"policies:{name} has no policy of crossorigin's in it")
        assert write in str(caught.value)


def test_requests_are_only_offered_to_be_played_where_something_answers_them(folder: Path) -> None:
    with pytest.raises(WrongUse) as caught:
        rules_of("policies:bare_fastapi")

    assert str(caught.value).endswith("in it: write crossorigin.starlette.setup(app, policy)")


@pytest.mark.parametrize(
    ("source", "sentence"),
    [
        (None, "neither crossorigin.toml nor a pyproject.toml with [tool.crossorigin] is in "),
        ("missing.toml", "missing.toml cannot be read: No such file or directory"),
        ("unparsable.toml", "unparsable.toml:1: this is not TOML"),
        ("policies.py", "policies.py is neither TOML nor JSON by its name: write policies:app"),
        (
            "policies.py:app",
            "'policies.py:app' is neither a policy file, nor module:object, nor a URL: write policies:",
        ),
        (
            "127.0.0.1:8000",
            "'127.0.0.1:8000' is neither a policy file, nor module:object, nor a URL: write http://127.",
        ),
        (
            "localhost:8000/x",
            "'localhost:8000/x' is neither a policy file, nor module:object, nor a URL: write http://",
        ),
        (
            "api.example.com/x",
            "'api.example.com/x' is neither a policy file, nor module:object, nor a URL: write cross",
        ),
        (
            "/dev/null",
            "'/dev/null' is neither a policy file, nor module:object, nor a URL: write crossorigin.toml or mod",
        ),
        (
            "api.example.com",
            "'api.example.com' is neither a policy file, nor module:object, nor a URL: write crossorigin.toml, "
            "module:object or https://api.example.com",
        ),
        (
            "ftp://x/",
            "'ftp://x/' is neither a policy file, nor module:object, nor a URL: write an address that begins with http",
        ),
        (
            "x.yaml",
            "x.yaml is neither TOML nor JSON by its name: write the policy in a file whose name ends in .toml or",
        ),
        ("policies", "'policies' is neither a policy file, nor module:object, nor a URL: write policies:app"),
        ("no_such:app", "no_such does not import: ModuleNotFoundError: No module named 'no_such'"),
        ("policies:polisy", "policies:polisy: there is no 'polisy' in <module 'policies'"),
        ("policies:number", "policies:number is 3, of type int; name a Policy, AnyOf or ByPath"),
        ("policies:needs", "policies:needs is <function needs"),
        ("policies:made_wrong", "policies:made_wrong returns something that is 3, of type int"),
        ("policies:raises", "policies:raises() fails: OSError: no such database"),
        ("https://api.example.com", "https://api.example.com is the address of a server: crossorigin explain"),
    ],
)
def test_what_names_no_policy_is_one_sentence(folder: Path, source: str | None, sentence: str) -> None:
    Path("unparsable.toml").write_text("allow_origins = [", encoding="utf-8")
    Path("x.yaml").touch()

    with pytest.raises(WrongUse) as caught:
        piped(lambda terminal: check(terminal, source))

    assert str(caught.value).startswith(sentence)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("raise SystemExit('bye')", "SystemExit: bye"),
        ("def", "SyntaxError: invalid syntax ("),
    ],
)
def test_a_module_that_does_not_import_is_told_by_its_last_line(folder: Path, code: str, reason: str) -> None:
    Path("broken.py").write_text(code, encoding="utf-8")

    with pytest.raises(WrongUse, match=re.escape(f"broken does not import: {reason}")):
        piped(lambda terminal: check(terminal, "broken:app"))


@pytest.mark.parametrize("source", ["broken:policy", "policies:made_broken"])
def test_a_policy_that_is_not_built_where_it_stands_is_told_with_its_problems(folder: Path, source: str) -> None:
    Path("broken.py").write_text("import crossorigin\npolicy = crossorigin.Policy('example.com')", encoding="utf-8")

    status, out = piped(lambda terminal: check(terminal, source))

    assert status == 1
    assert "write 'https://example.com' [origin-scheme-missing]" in out


def test_a_file_elsewhere_is_named_from_its_own_folder(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "m6.py"
    elsewhere.touch()

    for name, attribute in ((f"{elsewhere}", "app"), (f"{elsewhere}:api", "api")):
        with pytest.raises(WrongUse, match=f": write m6:{attribute}, from the folder {elsewhere.parent}$"):
            target_of(name)
    with pytest.raises(WrongUse, match=r": write policies:app$"):
        target_of(str(Path("policies.py").absolute()))


def test_the_table_of_a_pyproject_is_the_second_default(folder: Path) -> None:
    project = Path("pyproject.toml")
    project.write_text("[project]\nname = 'x'\n", encoding="utf-8")
    with pytest.raises(WrongUse, match=r"with \[tool.crossorigin\]"):
        rules_of(None)

    project.write_text("[tool.crossorigin]\nallow_origins = ['https://a.example']", encoding="utf-8")
    assert repr(rules_of(None)) == "Policy(['https://a.example'])"

    Path("crossorigin.toml").write_text("allow_origins = ['https://b.example']", encoding="utf-8")
    assert repr(rules_of(None)) == "Policy(['https://b.example'])"


def test_a_file_is_a_file_though_its_name_reads_as_an_object(folder: Path) -> None:
    Path("a:b.toml").write_text("allow_origins = '*'", encoding="utf-8")

    assert repr(rules_of("a:b.toml")) == "Policy(['*'])"


def test_a_url_is_an_address() -> None:
    assert target_of("HTTP://localhost:8000/x") == Address("HTTP://localhost:8000/x")
    with pytest.raises(WrongUse, match="is the address of a server, and a policy is wanted"):
        rules_of("http://localhost:8000")
