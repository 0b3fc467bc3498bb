"""F1 to F3: the catalogue of everything that can be wrong with a policy, and the error that carries it all."""

import copy
import pickle
import re
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest

from crossorigin import AnyOf, ByPath, Finding, Policy, PolicyError
from crossorigin.files import read
from crossorigin.findings import CATALOGUE, DANGERS, KINDS, Kind, finding, table

Options = dict[str, object]
SITE = "https://app.example.com"


def policy(allow_origins: object = SITE, **options: object) -> Policy:
    """Build a policy from arguments of whatever type."""
    return Policy.from_mapping({"allow_origins": allow_origins, **options})


class InFile:
    """What only a file can have."""

    def __init__(self, text: str, folder: Path) -> None:
        path = folder / "crossorigin.toml"
        path.write_text(text, encoding="utf-8")
        self.findings = tuple(remark.finding for remark in read(path).remarks if remark.finding is not None)


def in_file(text: str) -> InFile:
    with TemporaryDirectory() as folder:
        return InFile(text, Path(folder))


Checked = Policy | AnyOf | ByPath | InFile
# For each code a policy that has this finding, and no other.
EXAMPLES: dict[str, Callable[[], Checked]] = {
    # how an origin is written
    "origin-type": lambda: policy([8080]),
    "origin-empty": lambda: policy(""),
    "origin-whitespace": lambda: policy(" https://app.example.com"),
    "origin-list": lambda: policy("https://a.example, https://b.example"),
    "origin-regex-text": lambda: policy(r"https://app\.example\.com"),
    "origin-opaque": lambda: policy("file:///index.html"),
    "origin-scheme-missing": lambda: policy("app.example.com"),
    "origin-scheme": lambda: policy("1http://app.example.com"),
    "origin-websocket-scheme": lambda: policy("wss://app.example.com"),
    "origin-slashes": lambda: policy("https:/app.example.com"),
    "origin-path": lambda: policy("https://app.example.com/"),
    "origin-query": lambda: policy("https://app.example.com?"),
    "origin-userinfo": lambda: policy("https://me@app.example.com"),
    "origin-uppercase": lambda: policy("https://App.example.com"),
    "origin-unicode": lambda: policy("https://bücher.example"),
    "origin-host": lambda: policy("https://app example.com"),
    "origin-ipv4": lambda: policy("http://127.1"),
    "origin-ipv6": lambda: policy("http://[0:0:0:0:0:0:0:1]"),
    "origin-port": lambda: policy("https://app.example.com:0"),
    "origin-default-port": lambda: policy("https://app.example.com:443"),
    "origin-wildcard": lambda: policy("https://app*.com"),
    # what a policy says about origins
    "any-origin-with-credentials": lambda: policy("*", allow_credentials=True),
    "insecure-origin-with-credentials": lambda: policy("http://app.example.com", allow_credentials=True),
    "public-suffix": lambda: policy("https://*.github.io", allow_credentials=True),
    "null-origin": lambda: policy("null"),
    "regex-origin": lambda: policy(re.compile(r"https://app\.example\.com"), allow_credentials=True),
    "no-origins": lambda: policy([]),
    "redundant-origin": lambda: policy(["https://*.example.com", "https://app.example.com"]),
    "redundant-check": lambda: policy("*", allow_origin_check=str.islower),
    "regex-nested-quantifier": lambda: policy(re.compile(r"https://([a-z]+\.)+example\.com")),
    "regex-invalid": lambda: policy([{"regex": "("}]),
    "check-type": lambda: policy(allow_origin_check="https://app.example.com"),
    # policies put together
    "rule-type": lambda: AnyOf(Policy(SITE), "*"),  # type: ignore[arg-type]
    "rule-path": lambda: ByPath({"api": Policy(SITE)}),
    "no-policies": AnyOf,
    "unreachable-rule": lambda: ByPath({"/": Policy(SITE), "/api": None}),
    "unreachable-policy": lambda: AnyOf(Policy("*"), Policy(SITE)),
    "unused-policy": lambda: in_file("use = 'a'\n[policies]\na.allow_origins = '*'\nb.allow_origins = '*'"),
    # methods
    "method-type": lambda: policy(allow_methods=[1]),
    "method-token": lambda: policy(allow_methods="PUT, DELETE"),
    "method-forbidden": lambda: policy(allow_methods="TRACE"),
    "method-case": lambda: policy(allow_methods="put"),
    "method-lowercase": lambda: policy(allow_methods="patch"),
    "method-always-passes": lambda: policy(allow_methods="GET"),
    "redundant-method": lambda: policy(allow_methods=["PUT", "PUT"]),
    # headers
    "header-type": lambda: policy(allow_headers=[1]),
    "header-token": lambda: policy(expose_headers="X-A, X-B"),
    "header-forbidden": lambda: policy(allow_headers="Cookie"),
    "headers-without-authorization": lambda: policy(allow_headers="*"),
    "redundant-header": lambda: policy(allow_headers=["X-A", "x-a"]),
    "expose-forbidden": lambda: policy(expose_headers="Set-Cookie"),
    "expose-always-visible": lambda: policy(expose_headers="Content-Type"),
    # the rest
    "list-type": lambda: policy(allow_methods=1),
    "flag-type": lambda: policy(allow_credentials="yes"),
    "max-age-type": lambda: policy(max_age="600"),
    "max-age-range": lambda: policy(max_age=86401),
    "max-age-capped": lambda: policy(max_age=7201),
    "private-network-abandoned": lambda: policy(allow_private_network=True),
    "danger-unknown": lambda: policy(dangerously_allow="danger"),
    "danger-unused": lambda: policy(dangerously_allow="null-origin"),
    "argument-unknown": lambda: policy(allow_origin=SITE),
    "argument-regex": lambda: policy(allow_origin_regex="https://.*"),
    "argument-missing": lambda: Policy.from_mapping({}),
}


def findings_of(build: Callable[[], Checked]) -> tuple[Finding, ...]:
    """Return the findings of the policy that was built, or of the error that was raised instead."""
    try:
        return build().findings
    except PolicyError as error:
        return error.findings


# --- the catalogue ----------------------------------------------------------------------------------------------------


def test_each_code_stands_once() -> None:
    assert len(KINDS) == len(CATALOGUE)


@pytest.mark.parametrize("kind", CATALOGUE, ids=lambda kind: kind.code)
def test_each_row_has_a_word_a_sentence_and_a_remedy(kind: Kind) -> None:
    code, severity, sentence, remedy = kind

    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", code)
    assert severity in ("error", "danger", "warning")
    assert len(sentence.split()) >= 4
    assert sentence == sentence.strip().rstrip(".")  # it goes on with "; write ..."
    assert re.fullmatch(r"[A-Z].+\.", remedy)


@pytest.mark.parametrize("code", KINDS)
def test_each_code_is_found_in_some_policy(code: str) -> None:
    assert [found.code for found in findings_of(EXAMPLES[code])] == [code]


def test_no_code_is_found_that_the_catalogue_lacks() -> None:
    assert EXAMPLES.keys() - KINDS.keys() == set()


@pytest.mark.parametrize("code", EXAMPLES)
def test_each_finding_says_what_its_row_says(code: str) -> None:
    (found,) = findings_of(EXAMPLES[code])

    assert found.severity == KINDS[code].severity
    assert found.message.startswith(KINDS[code].sentence)
    assert f"[{code}]" in str(found)


@pytest.mark.parametrize("code", EXAMPLES)
def test_errors_and_dangers_stop_a_policy_and_warnings_never_do(code: str) -> None:
    stops = KINDS[code].severity != "warning"

    if stops:
        with pytest.raises(PolicyError):
            EXAMPLES[code]()
    else:
        assert EXAMPLES[code]().findings != ()


# --- F2 dangers -------------------------------------------------------------------------------------------------------

DANGEROUS: dict[str, Options] = {
    "any-origin-with-credentials": {"allow_origins": "*", "allow_credentials": True},
    "insecure-origin-with-credentials": {"allow_origins": "http://app.example.com", "allow_credentials": True},
    "public-suffix": {"allow_origins": "https://*.github.io", "allow_credentials": True},
    "null-origin": {"allow_origins": "null"},
    "regex-origin": {"allow_origins": re.compile("https://a.example"), "allow_credentials": True},
}


def test_f2_each_danger_has_an_example() -> None:
    assert DANGEROUS.keys() == DANGERS


@pytest.mark.parametrize("code", DANGEROUS)
def test_f2_a_danger_stops_a_policy_until_its_code_is_accepted_and_is_shown_then(code: str) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(**DANGEROUS[code])

    accepted = policy(**DANGEROUS[code], dangerously_allow=[code])

    assert [found.code for found in caught.value.findings] == [code]
    assert [(found.code, found.severity) for found in accepted.findings] == [(code, "danger")]


@pytest.mark.parametrize("code", DANGEROUS)
def test_f2_another_code_accepts_nothing(code: str) -> None:
    others = sorted(DANGERS - {code})

    with pytest.raises(PolicyError) as caught:
        policy(**DANGEROUS[code], dangerously_allow=others)

    assert [found.code for found in caught.value.findings] == [code]


def test_f2_the_error_says_how_to_accept_a_danger() -> None:
    with pytest.raises(PolicyError, match=re.escape("or accept it with dangerously_allow=['null-origin']")):
        Policy("null")


def test_f2_an_error_cannot_be_accepted() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy("https://app.example.com/", dangerously_allow="origin-path")

    assert sorted(found.code for found in caught.value.findings) == ["danger-unknown", "origin-path"]


def test_f2_a_misspelled_code_is_corrected() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy("null", dangerously_allow="nul-origin")

    assert [(found.code, found.fix) for found in caught.value.findings if found.code == "danger-unknown"] == [
        ("danger-unknown", "null-origin")
    ]


# --- F3 warnings ------------------------------------------------------------------------------------------------------


def test_f3_warnings_of_every_kind_do_not_stop_a_policy() -> None:
    warned = Policy(
        ["https://*.example.com", SITE, re.compile(r"https://([a-z]+\.)+example\.org")],
        allow_methods=["GET", "patch", "PUT", "PUT"],
        allow_headers="*",
        expose_headers=["Content-Type", "X-A", "x-a"],
        max_age=86400,
        allow_private_network=True,
        dangerously_allow="null-origin",
    )

    assert {found.severity for found in warned.findings} == {"warning"}
    assert {found.code for found in warned.findings} == {
        "redundant-origin", "regex-nested-quantifier", "method-always-passes", "method-lowercase", "redundant-method",
        "headers-without-authorization", "expose-always-visible", "redundant-header", "max-age-capped",
        "private-network-abandoned", "danger-unused",
    }  # fmt: skip


def test_f3_an_entry_that_stands_twice_is_redundant_the_second_time() -> None:
    warned = policy([SITE, "https://other.example", SITE], allow_headers=["X-A", "X-B", "x-a"])

    assert [(found.code, found.where) for found in warned.findings] == [
        ("redundant-header", "allow_headers[2]"),
        ("redundant-origin", "allow_origins[2]"),
    ]


@pytest.mark.parametrize("entry", ["http://[::1]", "http://[::1]:8080", "http://localhost:3000", "http://localhost"])
def test_f3_an_origin_that_any_port_covers_is_redundant(entry: str) -> None:
    warned = policy(["http://[::1]:*", "http://localhost:*", entry])

    assert [(found.code, found.where) for found in warned.findings] == [("redundant-origin", "allow_origins[2]")]


def test_f3_a_warning_is_not_among_the_problems_of_a_policy_that_was_stopped() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(SITE, allow_methods=["GET", "TRACE"])

    assert [found.code for found in caught.value.findings] == ["method-forbidden"]


@pytest.mark.parametrize(
    ("expression", "nested"),
    [
        ("(a+)+", True), ("(a*)*", True), ("(a+){2,}", True), ("((a+)b)+", True), ("(?:a+)+", True), ("(a|b+)*", True),
        ("(x(a+))*", True), ("(a{2,3})+", True),
        ("(?:.|.|.)*!", True), ("([a-z.:0-9]|[a-z.])+", True), ("(?:[a-z]|x){3,}", True), (r"(\w|-|[0-9])*", True),
        ("(a|a)*", True), (".*.*.*", True), ("(https?://)?(.*)(.*)(.*)!", True), ("(?:.+?)(.*)(.+)", True),
        ("a+b+", False), ("(a+)", False), ("(a+)?", False), ("(a|b)+", False), ("(a)(b)+", False), ("[(+)]+", False),
        ("(?:[a-z]|[0-9.-])*", False), ("(a|ab)*", False), ("(.|a)", False), (".*.*", False), (r".*\.a.*\.b.*", False),
        (r"(\.|\w|-)+", False), (r"(\+)+", False), (r"\(a+\)+", False), ("(a+)b+", False), ("[^]+]+(a)", False),
        ("", False),
    ],
)  # fmt: skip
def test_f3_an_expression_that_repeats_what_is_ambiguous_is_found(expression: str, nested: bool) -> None:
    compiled = re.compile(f"https://a\\.example|{expression}")

    codes = [found.code for found in Policy(compiled).findings]

    assert codes == ["regex-nested-quantifier"] * nested


# --- F1 all problems at once ------------------------------------------------------------------------------------------


@pytest.fixture
def error() -> PolicyError:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping(
            {
                "allow_origins": ["https://fine.example", "https://Example.com:443/", "*"],
                "allow_credentials": True,
                "allow_methods": ["PUT", "put", "A B"],
                "allow_headers": ["Cookie"],
                "expose_headers": ["Set-Cookie"],
                "max_age": "600",
                "allowed_origins": "*",
            }
        )
    return caught.value


def test_f1_all_problems_are_reported_at_once_with_their_places_and_fixes(error: PolicyError) -> None:
    assert [(found.where, found.code, found.fix) for found in error.findings] == [
        ("allowed_origins", "argument-unknown", "allow_origins"),
        ("allow_origins[1]", "origin-path", "https://example.com"),
        ("allow_origins[1]", "origin-uppercase", "https://example.com"),
        ("allow_origins[1]", "origin-default-port", "https://example.com"),
        ("allow_origins[2]", "any-origin-with-credentials", None),
        ("allow_methods[1]", "method-case", "PUT"),
        ("allow_methods[2]", "method-token", ["A", "B"]),
        ("allow_headers[0]", "header-forbidden", None),
        ("expose_headers[0]", "expose-forbidden", None),
        ("max_age", "max-age-type", 600),
    ]


def test_f1_the_error_is_a_value_error(error: PolicyError) -> None:
    assert isinstance(error, ValueError)


def test_f1_the_error_prints_one_line_for_each_problem_and_aligns_them(error: PolicyError) -> None:
    title, *lines = str(error).splitlines()

    assert title == "the policy has 10 problems:"
    assert len(lines) == len(error.findings)
    where_width = max(len(found.where) for found in error.findings)
    value_width = max(len(repr(found.value)) for found in error.findings)
    for line, found in zip(lines, error.findings, strict=True):
        assert line == f"  {found.where.ljust(where_width)}  {repr(found.value).ljust(value_width)}  {found.advice}"


def test_f1_one_problem_is_one_problem() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy("https://app.example.com/")

    assert str(caught.value) == (
        "the policy has 1 problem:\n"
        "  allow_origins[0]  'https://app.example.com/'"
        "  an origin has no path, not even a final slash; write 'https://app.example.com' [origin-path]"
    )


def test_f1_a_problem_without_a_fix_says_what_to_do() -> None:
    assert str(finding("method-forbidden", "allow_methods[0]", "TRACE")) == (
        "allow_methods[0]: 'TRACE': browsers never send this method; leave it out [method-forbidden]"
    )


def test_f1_a_long_or_wild_value_is_shortened_to_one_line() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(["https://exa\nmple.com\r\x1b[2J" + "a" * 9000])

    _, *lines = str(caught.value).splitlines()

    assert len(lines) == len(caught.value.findings)
    assert all(line.isprintable() and len(line) < 300 for line in lines)


def test_f1_the_error_pickles(error: PolicyError) -> None:
    again = pickle.loads(pickle.dumps(error))

    assert (type(again), again.findings, str(again)) == (PolicyError, error.findings, str(error))


def test_f1_the_error_can_be_copied(error: PolicyError) -> None:
    assert copy.copy(error).findings == error.findings


def test_f1_a_finding_cannot_be_changed(error: PolicyError) -> None:
    found: Any = error.findings[0]

    with pytest.raises(AttributeError):
        found.fix = None


def test_no_findings_make_an_empty_table() -> None:
    assert table([]) == ""


# --- what is not right yet --------------------------------------------------------------------------------------------


def test_f1_problems_stand_in_the_order_of_the_arguments() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({"allow_origins": "a.example", "allow_credentials": "yes", "dangerously_allow": "x"})

    places = [found.where.partition("[")[0] for found in caught.value.findings]
    assert places == ["allow_origins", "allow_credentials", "dangerously_allow"]


def test_f1_places_are_those_of_the_mapping() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({"allow_origins": [{"regex": "("}, "https://a.example", "https://b.example/"]})

    assert [found.where for found in caught.value.findings] == ["allow_origins[0]", "allow_origins[2]"]


@pytest.mark.parametrize(
    ("arguments", "codes"),
    [
        ({"allow_origins": "http://*.github.io", "allow_credentials": True},
         {"insecure-origin-with-credentials", "public-suffix"}),
        ({"allow_origins": "*, https://a.example", "allow_credentials": True},
         {"origin-list", "any-origin-with-credentials"}),
        ({"allow_origins": "*", "allow_credentials": "true"}, {"flag-type", "any-origin-with-credentials"}),
    ],
)  # fmt: skip
def test_f1_a_fix_is_no_danger_that_was_not_said(arguments: Options, codes: set[str]) -> None:
    with pytest.raises(PolicyError) as caught:
        policy(**arguments)

    assert {found.code for found in caught.value.findings} == codes


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        ("allow_methods", [b"PUT, DELETE"]),
        ("allow_methods", [b"P\xff"]),
        ("allow_methods", "get, put"),
        ("max_age", "99999"),
    ],
)
def test_f1_a_fix_is_accepted(argument: str, value: object) -> None:
    (found,) = findings_of(lambda: policy(**{argument: value}))

    assert found.fix is None or policy(**{argument: found.fix}) is not None


@pytest.mark.parametrize("mapping", [{"allow_origins": SITE, "a\nb": 1}, {"allow_origins": [{"regex": "[b-\n]"}]}])
def test_f1_no_problem_takes_two_lines(mapping: Options) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping(mapping)

    assert len(str(caught.value).splitlines()) == 2
