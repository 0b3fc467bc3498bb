"""Policy files: what a person writes in TOML or JSON, what it comes to, and what the person is told about mistakes."""

import json
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from crossorigin import AnyOf, ByPath, Policy
from crossorigin.answer import Rules
from crossorigin.files import PolicyFileError, load, read

ROOT = Path(__file__).parent.parent
APP = "https://app.example.com"
Write = Callable[..., Path]

SEVERAL = f"""
[policies.app]
allow_origins = ["{APP}"]
allow_credentials = true
[policies.public]
allow_origins = "*"
"""


@pytest.fixture
def write(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Write:
    """Write a file into the working directory, so that messages name it as people do."""
    monkeypatch.chdir(tmp_path)

    def file(content: str | bytes, name: str = "crossorigin.toml") -> Path:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return Path(name)

    return file


def problems(path: Path) -> list[str]:
    with pytest.raises(PolicyFileError) as caught:
        load(path)
    return [str(problem) for problem in caught.value.problems]


# --- what a file comes to ---------------------------------------------------------------------------------------------


def test_one_policy_in_toml(write: Write) -> None:
    path = write(
        f"allow_origins = ['{APP}', {{ regex = 'https://a+[.]example' }}]\nmax_age = 60\nallow_methods = 'PUT'"
    )

    assert load(path) == Policy([APP, re.compile("https://a+[.]example")], max_age=60, allow_methods="PUT")
    assert load(str(path)) == load(path)


def test_one_policy_in_json(write: Write) -> None:
    path = write(json.dumps({"$schema": "schema.json", "allow_origins": [APP], "max_age": None}), "cors.json")

    assert load(path) == Policy(APP, max_age=None)


@pytest.mark.parametrize("word", ["none", "None", "NONE"])
def test_no_max_age_in_toml(write: Write, word: str) -> None:
    assert load(write(f"allow_origins = '{APP}'\nmax_age = '{word}'")) == Policy(APP, max_age=None)


def test_a_file_that_windows_wrote(write: Write) -> None:
    path = write(b"\xef\xbb\xbf# B\xc3\xbccher\r\nallow_origins = 'https://app.example.com'\r\nmax_age = 'x'\r\n")

    assert problems(path) == [
        "crossorigin.toml:3: max_age: 'x': max_age is a whole number of seconds, or \"none\"; "
        'write the number of seconds, or "none" [max-age-type]'
    ]


def test_a_lone_policy_needs_no_use(write: Write) -> None:
    assert load(write(f"[policies.app]\nallow_origins = '{APP}'")) == Policy(APP)


def test_use_says_which_policy_counts(write: Write) -> None:
    assert load(write(f"use = 'public'\n{SEVERAL}")) == Policy("*")


def test_a_group_is_any_of_its_members_and_may_hold_groups(write: Write) -> None:
    rules = load(write(f"use = 'all'\n{SEVERAL}\n[any-of]\nall = ['inner', 'public']\ninner = ['app']"))

    assert isinstance(rules, AnyOf)
    assert repr(rules) == repr(AnyOf(AnyOf(Policy(APP, allow_credentials=True)), Policy("*")))


def test_path_rules_keep_their_order(write: Write) -> None:
    lines = "'/feed' = 'public'\n'/legacy/' = 'LEAVE'\n'/internal' = 'NONE'\n'/' = 'app'"
    rules = load(write(f"{SEVERAL}\n[paths]\n{lines}"))

    def allowed(path: str) -> bool | None:
        answer = rules.actual("https://stranger.example", path)
        return answer and answer.allowed

    assert isinstance(rules, ByPath)
    assert list(rules.rules) == ["/feed", "/legacy/", "/internal", "/"]
    assert [allowed(path) for path in ("/feed/x", "/legacy/x", "/internal/x", "/x")] == [True, None, False, False]
    assert rules.at("/internal").actual(APP).reason == "path-uncovered"  # type: ignore[union-attr]


def test_pyproject_holds_the_same_below_its_table(write: Write) -> None:
    text = f"[project]\n[tool.crossorigin]\nuse = 'app'\n[tool.crossorigin.policies.app]\nallow_origins = '{APP}'"

    assert load(write(text, "pyproject.toml")) == Policy(APP)


def test_warnings_and_accepted_dangers_stay_on_the_rules(write: Write) -> None:
    path = write(
        "[policies.a]\nallow_origins = 'null'\nallow_methods = 'GET'\ndangerously_allow = 'null-origin'\n"
        "[paths]\n'/' = 'a'\n'/x' = 'a'"
    )
    findings = load(path).findings  # type: ignore[attr-defined]

    assert {found.code for found in findings} == {"null-origin", "method-always-passes", "unreachable-rule"}


def test_warnings_and_accepted_dangers_are_told_where_they_stand_in_the_file(write: Write) -> None:
    path = write(
        "use = 'all'\n[policies.a]\nallow_origins = ['*',\n'null']\nallow_credentials = true\n"
        "dangerously_allow = ['null-origin', 'any-origin-with-credentials']\n[policies.b]\nallow_origins = '*'\n"
        "[any-of]\nall = ['b',\n'a']"
    )

    remarks = [(one.line, one.key, one.finding and one.finding.code) for one in read(path).remarks]

    assert remarks == [
        (3, "policies.a.allow_origins[0]", "any-origin-with-credentials"),
        (4, "policies.a.allow_origins[1]", "null-origin"),
        (11, "any-of.all[1]", "unreachable-policy"),
    ]


def test_each_unused_part_is_told_and_no_used_one(write: Write) -> None:
    text = f"{SEVERAL}[policies.idle]\nallow_origins = '*'\n[any-of]\ninner = ['app']\nouter = ['inner', 'public']\n"

    def unused(path: Path) -> list[str]:
        return [one.key for one in read(path).remarks if one.finding and one.finding.code == "unused-policy"]

    assert unused(write(f"use = 'outer'{text}")) == ["policies.idle"]
    assert unused(write(f"{text}[paths]\n'/a' = 'NONE'\n'/' = 'app'")) == [
        "policies.public", "policies.idle", "any-of.inner", "any-of.outer"
    ]  # fmt: skip
    assert unused(write(f"[policies.only]\nallow_origins = '{APP}'")) == []


@pytest.mark.parametrize("name", ["crossorigin.toml", "crossorigin.json"])
def test_the_examples_load_without_a_warning(name: str) -> None:
    rules: Rules = load(ROOT / "examples" / name)

    assert {found.code for found in rules.findings} <= {"regex-origin"}  # type: ignore[attr-defined]
    assert rules.actual(APP).allowed  # type: ignore[union-attr]


# --- what a person is told --------------------------------------------------------------------------------------------


def test_all_problems_are_told_at_once_with_line_key_and_fix(write: Write) -> None:
    path = write("""\
use = "ap"
[policies.app]
allow_origins = [ # "example.com"
    "https://ok.example", "example.com",
    { regex = "(" },
]
allow_credentials = "yes"
alow_methods = ["PUT"]
[policies."my site"]
max_age = -1
[any-of]
all = ["app", "my sight"]
[paths]
"/api/*" = "al"
""")

    assert problems(path) == [
        "crossorigin.toml:1: use: there is no policy and no group 'ap'; write 'app'",
        "crossorigin.toml:1: use: path rules choose the policy already; leave use out, or the path rules",
        "crossorigin.toml:4: policies.app.allow_origins[1]: 'example.com': the scheme is missing; "
        "write 'https://example.com' [origin-scheme-missing]",
        "crossorigin.toml:5: policies.app.allow_origins[2]: '(': this is not a regular expression: missing ), "
        "unterminated subpattern at position 0; write one that re.compile accepts [regex-invalid]",
        "crossorigin.toml:7: policies.app.allow_credentials: 'yes': this is true or false, nothing else; "
        "write true [flag-type]",
        "crossorigin.toml:8: policies.app.alow_methods: Policy has no argument of this name; "
        "write 'allow_methods' [argument-unknown]",
        'crossorigin.toml:9: policies."my site".allow_origins: the policy must say which origins it allows; '
        "add allow_origins [argument-missing]",
        'crossorigin.toml:10: policies."my site".max_age: -1: max_age lies between 0 (ask browsers not to cache) and '
        "86400 (a day); write 0 [max-age-range]",
        "crossorigin.toml:12: any-of.all[1]: there is no policy and no group 'my sight'; write 'my site'",
        "crossorigin.toml:14: paths.\"/api/*\": there is no policy and no group 'al'; write 'all'",
        "crossorigin.toml:14: paths.\"/api/*\": '/api/*': a path rule begins with '/', and holds no '*', no query, no "
        "'//', '/./' or '/../'; write '/api/' [rule-path]",
    ]


# For each mistake what the message says, besides the file.
MISTAKES = {
    "": ": nothing is declared here; write at least allow_origins",
    "# only this": ": nothing is declared here; write at least allow_origins",
    "policies = {}": ": no policy is declared here; write one under [policies.NAME]",
    "max_age = 5": ": allow_origins: the policy must say which origins it allows; add allow_origins [argument-missing]",
    "\nallow_origins = [https://a.example]": ":2: this is not TOML: invalid value at column 18; put text between "
    "quotes, and write true and false in lower case",
    "allow_origins = [\n'*'\n": ":2: this is not TOML: unclosed array at the end of the file; close it with ], and put "
    "commas between its entries",
    "\nmax_age = 1\n\nmax_age = 2\n": ":4: this is not TOML: max_age stands on line 2 already; leave one of them out",
    "[policies.a]\nmax_age = 1\n[policies.b]\nmax_age = 1\nmax_age = 2": ":5: this is not TOML: max_age stands on line "
    "4 already; leave one of them out",
    "[policies.app]\n[policies.app]": ":2: this is not TOML: cannot declare [policies.app] twice at column 14; put "
    "all of "
    "it under one header, or leave one out",
    'allow_origins = "https://a.example\n': ":1: this is not TOML: illegal character '\\n' at column 35; close the "
    "quotes "
    "on the line on which they open",
    'allow_origins = { regex = "https://\\d" }': ":1: this is not TOML: unescaped '\\' in a string at column 38; "
    "write it "
    "between single quotes, within which a backslash is a backslash",
    "allow_origins = 'https://a.example\n": ':1: this is not TOML: expected "\'" at the end of the file; close the '
    "quotes on the line on which they open",
    "allow_origins '*'": ":1: this is not TOML: expected '=' after a key in a key/value pair at column 15; put each "
    "NAME = "
    "VALUE on a line of its own",
    f"max_age = {'9' * 5000}": ": this cannot be read: a number has more digits than Python reads; shorten it",
    "allow_origins = 'https://.*[.]a[.]example'": ":1: allow_origins: 'https://.*[.]a[.]example': text is never read "
    "as a "
    'regular expression; write a pattern such as https://*.example.com, or { regex = "..." } [origin-regex-text]',
    "allow_origins = { regexp = 'x' }": ":1: allow_origins: { regexp = 'x' }: an origin is text or a regular "
    "expression, not "
    'dict; write text such as "https://app.example.com", or { regex = "..." } [origin-type]',
    "allow_origins = []\nallow_origin_regex = '.*'": ":2: allow_origin_regex: '.*': a regular expression stands "
    "among the "
    'origins, and has no argument of its own; put { regex = "..." } into allow_origins [argument-regex]',
    f"[tool.crossorigin]\nallow_origins = '{APP}'": ":1: tool.crossorigin: this is how it is written in "
    "pyproject.toml; move "
    "it there, or leave tool.crossorigin out of the header",
    "[cors]\nallow_origins = '*'": ":1: cors: nothing of this name stands here; write [policies.NAME]",
    "[policies.a]\nallow_origins = '*'\nuse = 'a'": ":3: policies.a.use: this is no argument of a policy; write it "
    "above "
    "the first section",
    "[policies.a]\nallow_origins = '*'\n[any-of]\ng = ['a']\nuse = 'g'": ":5: any-of.use: this is a list of names; "
    "write it "
    "above the first section",
    f"max_age = {'[' * 900}{']' * 900}": ": this is nested too deeply to be a policy file",
    "allow_origins = 'null'": ":1: allow_origins: 'null': every sandboxed frame and data: page, on any website, has "
    "the origin 'null'; leave 'null' out; serve the page from a real origin; or accept it with "
    "dangerously_allow = ['null-origin'] [null-origin]",
    "allow_origins = '*'\n'allow origin check' = 1": ':2: "allow origin check": Policy has no argument of this name; '
    "write 'allow_origin_check' [argument-unknown]",
    "allow_origins = '*'\nallow_origin_check = 'f'": ":2: allow_origin_check: a function cannot stand in a file; "
    "build this policy in Python",
    "max_age = 5\n[policies.a]\nallow_origins = '*'": ":1: max_age: this belongs to one policy, and there are named "
    "ones; move it into [policies.NAME]",
    "policie = 1\nuse = 'a'\n[policies.a]\nallow_origins = '*'": ":1: policie: nothing of this name stands here; "
    "write policies",
    "x = 1\nuse = 'a'\n[policies.a]\nallow_origins = '*'": ":1: x: nothing of this name stands here; "
    "write policies, any-of, paths, use",
    "[polices.a]\nallow_origins = '*'": ":1: polices: nothing of this name stands here; write policies",
    "[[policies]]\nallow_origins = '*'": ":1: policies: this is a table; write [policies] above its lines, "
    "or {...} in JSON",
    "[policies]\nallow_origins = '*'": ":2: policies.allow_origins: this belongs to one policy; "
    "write it under [policies.NAME]",
    "[policies]\napp = '*'": ":2: policies.app: a policy is a table; write its arguments under [policies.NAME]",
    "[policies.LEAVE]\nallow_origins = '*'": ":1: policies.LEAVE: path rules give this name a meaning of their own; "
    "choose another one",
    SEVERAL: ": nothing says which policy counts; add path rules, or above the first section "
    'use = "app" or use = "public"',
    f"use = 'apps'{SEVERAL}": ":1: use: there is no policy and no group 'apps'; write 'app'",
    f"use = 'x'{SEVERAL}": ":1: use: there is no policy and no group 'x'; write one of 'app', 'public'",
    "use = 'x'": ":1: use: there is no policy and no group 'x'; write [policies.NAME] first",
    f"use = 'NONE'{SEVERAL}": ":1: use: NONE is for path rules alone; write the name of a policy or of a group",
    f"use = 'app'{SEVERAL}[paths]\n'/' = 'app'": ":1: use: path rules choose the policy already; leave use out, "
    "or the path rules",
    f"{SEVERAL}[paths]\n'/' = 'app'\nuse = 'app'": ":9: paths.use: this is no path; write it above the first section",
    f"{SEVERAL}[paths]\n'/' = 'leave'": ":8: paths.\"/\": there is no policy and no group 'leave'; write 'LEAVE'",
    f"{SEVERAL}[paths]\n'/' = true": ':8: paths."/": this is the name of a policy or of a group; '
    "write it between quotes",
    f"{SEVERAL}[paths]": ':7: paths: no path is named here; write "/" = and the name of a policy',
    f"use = 'g'{SEVERAL}[any-of]\ng = 'app'": ':8: any-of.g: this is a list of names; write it so: ["app", "public"]',
    f"use = 'g'{SEVERAL}[any-of]\ng = []": ":8: any-of.g: AnyOf needs at least one policy; "
    "name the policies [no-policies]",
    f"use = 'app'{SEVERAL}[any-of]\napp = ['public']": ":8: any-of.app: a policy has this name already; "
    "choose another one",
    f"use = 'g'{SEVERAL}[any-of]\nf = ['g']\ng = ['app',\n'f']": ":10: any-of.g[1]: the group 'f' would hold itself: "
    "f > g > f; leave one of them out",
}


@pytest.mark.parametrize("text", MISTAKES, ids=lambda text: repr(text[-40:]))
def test_a_mistake_in_toml_is_told_once(write: Write, text: str) -> None:
    assert problems(write(text)) == [f"crossorigin.toml{MISTAKES[text]}"]


MISTAKES_IN_JSON: dict[str, str | list[str]] = {
    "": ":1: this is not JSON: expecting value at column 1",
    '{"allow_origins": "*",\n}': ":1: this is not JSON: illegal trailing comma before end of object at column 22"
    if sys.version_info >= (3, 13)
    else ":2: this is not JSON: expecting property name enclosed in double quotes at column 1",
    "[]": ": a policy file holds a table of names and values, not a list or a single value",
    '{"allow_origins": "*",\n"allow_credentials": null}': ":2: allow_credentials: null: this is true or false, nothing "
    "else; write true or false [flag-type]",
    '{"allow_origins": "null",\n"max_age": "1h"}': [
        ":1: allow_origins: \"null\": every sandboxed frame and data: page, on any website, has the origin 'null'; "
        "leave "
        '\'null\' out; serve the page from a real origin; or accept it with "dangerously_allow": ["null-origin"] '
        "[null-origin]",
        ':2: max_age: "1h": max_age is a whole number of seconds, or null; write the number of seconds, or null '
        "[max-age-type]",
    ],
    '{"policies": {"a": {"allow_origins": "*"}, "b": {"allow_origins": "*"}}}': ": nothing says which policy counts; "
    "add "
    'path rules, or above the first section "use": "a" or "use": "b"',
    '{"allow_origins":\n"*",\n"allow_origins": "*"}': ":3: allow_origins: this key stands twice, and JSON would drop "
    "the first one; leave one of them out",
}


@pytest.mark.parametrize("text", MISTAKES_IN_JSON, ids=repr)
def test_a_mistake_in_json_is_told_once(write: Write, text: str) -> None:
    told = MISTAKES_IN_JSON[text]

    assert problems(write(text, "cors.json")) == [
        f"cors.json{one}" for one in ([told] if isinstance(told, str) else told)
    ]


def test_what_a_terminal_would_obey_is_escaped(write: Write) -> None:
    (problem,) = problems(write('{"allow_origins": "https://\\u009b31m\u00fc"}', "cors.json"))

    assert r'"https://\u009b31m\u00fc"' in problem


def test_of_a_key_that_stands_twice_the_later_one_is_looked_at(write: Write) -> None:
    path = write('{"allow_origins": ["*"],\n"allow_origins":\n["a.example"]}', "cors.json")

    assert [line.partition(":")[2][:24] for line in problems(path)] == [
        "2: allow_origins: this k",
        '3: allow_origins[0]: "a.',
    ]


def test_pyproject_without_the_table(write: Write) -> None:
    message = "pyproject.toml: there is no [tool.crossorigin] in this file; add it, or name another file"

    assert problems(write("[tool.other]", "pyproject.toml")) == [message]
    assert problems(write("tool = 1", "pyproject.toml")) == [message]


def test_keys_of_pyproject_are_told_in_full(write: Write) -> None:
    (problem,) = problems(write("[tool.crossorigin]\nallow_origins = 'a.example'", "pyproject.toml"))

    assert problem.startswith("pyproject.toml:2: tool.crossorigin.allow_origins: 'a.example': the scheme")


def test_a_file_that_is_not_utf_8(write: Write) -> None:
    assert problems(write(b"# one\n# B\xfccher")) == [
        "crossorigin.toml:2: this is not UTF-8: byte 0xfc; save the file as UTF-8"
    ]


def test_a_directory_a_strange_name_and_no_file(write: Write) -> None:
    assert problems(write("", "x.toml").parent) == [
        ".: this is a directory; name a file in it, such as crossorigin.toml"
    ]
    assert problems(write("", "cors.yaml")) == [
        "cors.yaml: the name of a policy file ends in .toml or .json; rename it"
    ]
    with pytest.raises(FileNotFoundError):
        load("missing.toml")


def test_the_error_is_a_value_that_tells_all(write: Write) -> None:
    with pytest.raises(PolicyFileError) as caught:
        load(write("allow_origins = ['*',\n'a.example']"))

    (problem,) = caught.value.problems
    assert (problem.path, problem.line, problem.key) == ("crossorigin.toml", 2, "allow_origins[1]")
    assert problem.finding is not None
    assert (problem.finding.code, problem.finding.fix) == ("origin-scheme-missing", "https://a.example")
    assert str(caught.value) == f"the policy file has 1 problem:\n  {problem}"
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
