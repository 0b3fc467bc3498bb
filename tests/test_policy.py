"""`Policy` as its users meet it: what it keeps, what it answers, what it says, and what it refuses."""

import asyncio
import copy
import functools
import gc
import json
import os
import pickle
import re
import string
import subprocess
import sys
import warnings
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crossorigin import Policy, PolicyError, fetch
from crossorigin.answer import Answer, Reason, Rules
from crossorigin.findings import DANGERS
from crossorigin.origins import Origin
from crossorigin.policy import MAX_REQUESTED_BYTES, MAX_REQUESTED_NAMES, requested_names

APP = "https://app.example.com"
EVIL = "https://evil.example"

FULL = Policy(
    [APP, "https://*.example.com", re.compile(r"https://a+\.example\.org"), "null"],
    allow_credentials=True,
    allow_methods=["PUT", "DELETE"],
    allow_headers=["Authorization", "X-Request-Id"],
    expose_headers=["X-Total-Count"],
    max_age=60,
    allow_private_network=True,
    dangerously_allow=["null-origin", "regex-origin"],
)


def always(origin: str) -> bool:
    """Allow every origin."""
    return True


def never(origin: str) -> bool:
    """Allow no origin."""
    return False


async def later(origin: str) -> bool:
    """Allow one site below the others, after a while."""
    await asyncio.sleep(0)
    return origin.endswith(".example.net")


# --- declaring --------------------------------------------------------------------------------------------------------


def test_the_defaults() -> None:
    policy = Policy(APP)

    assert (policy.allow_origins, policy.allow_origin_check, policy.allow_credentials) == ((APP,), None, False)
    assert (policy.allow_methods, policy.allow_headers, policy.expose_headers) == ((), (), ())
    assert (policy.max_age, policy.allow_private_network, policy.dangerously_allow) == (600, False, frozenset())
    assert (policy.findings, policy.is_async) == ((), False)


def test_the_origins_must_be_stated() -> None:
    build: Callable[..., Policy] = Policy

    with pytest.raises(TypeError, match="allow_origins"):
        build()


def test_all_but_the_origins_is_by_keyword() -> None:
    build: Callable[..., Policy] = Policy

    with pytest.raises(TypeError):
        build(APP, None)


def test_a_lone_text_is_a_list_of_one_and_never_of_characters() -> None:
    policy = Policy(
        "null", allow_methods="PUT", allow_headers="X-A", expose_headers="X-B", dangerously_allow="null-origin"
    )

    assert policy.allow_origins == ("null",)
    assert (policy.allow_methods, policy.allow_headers, policy.expose_headers) == (("PUT",), ("X-A",), ("X-B",))
    assert policy.dangerously_allow == {"null-origin"}


def test_a_lone_expression_is_a_list_of_one() -> None:
    expression = re.compile("https://a.example")

    assert Policy(expression).allow_origins == (expression,)


def test_every_list_may_be_a_generator() -> None:
    policy = Policy(
        (origin for origin in [APP, EVIL]),
        allow_methods=(method for method in ["PUT", "PATCH"]),
        allow_headers=iter(["X-A", "X-B"]),
        expose_headers=map(str, ["X-C"]),
        dangerously_allow=(code for code in ["null-origin"]),
    )

    assert policy == Policy(
        [APP, EVIL], allow_methods=["PUT", "PATCH"], allow_headers=["X-A", "X-B"], expose_headers=["X-C"],
        dangerously_allow=["null-origin"],
    )  # fmt: skip


def test_a_list_that_is_changed_later_changes_no_policy() -> None:
    origins, methods = [APP], ["PUT"]
    policy = Policy(origins, allow_methods=methods)

    origins.append(EVIL)
    methods.append("DELETE")

    assert (policy.allow_origins, policy.allow_methods) == ((APP,), ("PUT",))
    assert not policy.actual(EVIL).allowed


def test_a_set_is_put_in_order_so_that_headers_read_the_same_everywhere() -> None:
    policy = Policy(
        {"https://c.example", "https://a.example", "https://b.example"},
        allow_methods={"PUT", "DELETE", "PATCH"},
        allow_headers=frozenset({"X-C", "X-A", "X-B"}),
        expose_headers={"X-F", "X-D", "X-E"},
    )

    assert policy.allow_origins == ("https://a.example", "https://b.example", "https://c.example")
    assert policy.allow_methods == ("DELETE", "PATCH", "PUT")
    assert (policy.allow_headers, policy.expose_headers) == (("X-A", "X-B", "X-C"), ("X-D", "X-E", "X-F"))


def test_a_list_keeps_its_order() -> None:
    preflight = Policy(APP, allow_methods=["PUT", "DELETE", "CUSTOM"], allow_headers=["X-B", "X-A"]).preflight(
        APP, "/", "PUT"
    )

    assert dict(preflight.headers)["Access-Control-Allow-Methods"] == "PUT, DELETE, CUSTOM"
    assert dict(preflight.headers)["Access-Control-Allow-Headers"] == "X-B, X-A"


@pytest.mark.parametrize(
    ("max_age", "kept", "sent"),
    [(0, 0, "0"), (1, 1, "1"), (86400, 86400, "86400"), (timedelta(0), 0, "0"), (timedelta(minutes=10), 600, "600"),
     (timedelta(days=1), 86400, "86400"), (None, None, None)],
)  # fmt: skip
def test_max_age_is_seconds_or_a_timedelta_or_none(
    max_age: int | timedelta | None, kept: int | None, sent: str | None
) -> None:
    policy = Policy(APP, max_age=max_age)

    assert policy.max_age == kept
    assert dict(policy.preflight(APP, "/", "GET").headers).get("Access-Control-Max-Age") == sent


@pytest.mark.parametrize(
    ("max_age", "code", "fix"),
    [(-1, "max-age-range", 0), (86401, "max-age-range", 86400), (timedelta(days=2), "max-age-range", 86400),
     (timedelta(seconds=-1), "max-age-range", 0), (timedelta(milliseconds=1500), "max-age-type", None),
     (1.0, "max-age-type", None), (True, "max-age-type", None), ([600], "max-age-type", None),
     ("600", "max-age-type", 600), (" 60 ", "max-age-type", 60), ("ten minutes", "max-age-type", None)],
)  # fmt: skip
def test_another_max_age_is_refused(max_age: Any, code: str, fix: int | None) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(APP, max_age=max_age)

    assert [(found.code, found.fix) for found in caught.value.findings] == [(code, fix)]


@pytest.mark.parametrize("argument", ["allow_credentials", "allow_private_network"])
@pytest.mark.parametrize(
    ("value", "fix"),
    [
        ("true", True),
        ("Yes", True),
        ("off", False),
        (1, True),
        (0, False),
        (None, None),
        ("", None),
        ([], None),
        (2, None),
    ],
)
def test_a_switch_is_true_or_false_and_nothing_that_only_looks_so(
    argument: str, value: object, fix: bool | None
) -> None:
    arguments: dict[str, Any] = {argument: value}

    with pytest.raises(PolicyError) as caught:
        Policy(APP, **arguments)

    assert [(found.code, found.where, found.fix) for found in caught.value.findings] == [("flag-type", argument, fix)]


@pytest.mark.parametrize(
    "argument", ["allow_origins", "allow_methods", "allow_headers", "expose_headers", "dangerously_allow"]
)
@pytest.mark.parametrize("value", [None, 5, {"a": 1}, True, object])
def test_what_is_no_list_is_refused(argument: str, value: object) -> None:
    arguments: dict[str, Any] = {"allow_origins": APP, argument: value}

    with pytest.raises(PolicyError) as caught:
        Policy(**arguments)

    expected = ("origin-type", "allow_origins[0]") if argument == "allow_origins" else ("list-type", argument)
    assert [(found.code, found.where) for found in caught.value.findings] == [expected]


@pytest.mark.parametrize("argument", ["allow_methods", "allow_headers", "expose_headers"])
@pytest.mark.parametrize("name", ["", " ", "X A", "X,Y", "X:", "X\r\nSet-Cookie", "X\x00", "é", '"X"', "X/Y", "(X)"])
def test_f4_every_declared_name_is_a_token(argument: str, name: str) -> None:
    arguments: dict[str, Any] = {argument: ["X-Fine", name]}

    with pytest.raises(PolicyError) as caught:
        Policy(APP, **arguments)

    (found,) = caught.value.findings
    assert (found.code.partition("-")[2], found.where) == ("token", f"{argument}[1]")


# --- F2 dangers -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("origins", "with_credentials", "without"),
    [
        # fine either way
        (APP, [], []),
        ("https://*.example.com", [], []),
        ("https://*.example.com:*", [], []),
        ("https://*.someone.github.io", [], []),
        ("https://*.corp.internal", [], []),
        ("http://localhost:*", [], []),
        ("http://app.localhost:3000", [], []),
        ("http://*.localhost", [], []),
        ("http://127.0.0.1:8000", [], []),
        ("http://[::1]:*", [], []),
        ("https://github.io", [], []),
        ("chrome-extension://abcdef", [], []),
        # every spelling of any origin
        ("*", ["any-origin-with-credentials"], []),
        ("https://*", ["any-origin-with-credentials"], []),
        ("http://*", ["any-origin-with-credentials"], []),
        ("https://*:8443", ["any-origin-with-credentials"], []),
        ("https://*:*", ["any-origin-with-credentials"], []),
        ("chrome-extension://*", ["any-origin-with-credentials"], []),
        (re.compile(".*"), ["any-origin-with-credentials"], []),
        (re.compile("https?://.+"), ["any-origin-with-credentials"], []),
        (re.compile(r"^https://[\w.-]+$"), ["any-origin-with-credentials"], []),
        (re.compile("(?!x)[^/]*//.*|y"), ["any-origin-with-credentials"], []),
        # plain http
        ("http://example.com", ["insecure-origin-with-credentials"], []),
        ("http://*.example.com", ["insecure-origin-with-credentials"], []),
        ("http://example.com:*", ["insecure-origin-with-credentials"], []),
        ("http://192.168.1.10:8080", ["insecure-origin-with-credentials"], []),
        ("http://localhost.example.com", ["insecure-origin-with-credentials"], []),
        # public suffixes
        ("https://*.github.io", ["public-suffix"], []),
        ("https://*.com", ["public-suffix"], []),
        ("https://*.co.uk:8443", ["public-suffix"], []),
        ("https://*.anything.ck", ["public-suffix"], []),
        ("https://*.vercel.app:*", ["public-suffix"], []),
        # null, whose pages have no credentials of their own to lose
        ("null", ["null-origin"], ["null-origin"]),
        # expressions
        (re.compile(r"https://[a-z]+\.example\.com"), ["regex-origin"], []),
        (re.compile("https://a.example"), ["regex-origin"], []),
        # several
        (["*", "null", "http://a.example"],
         ["any-origin-with-credentials", "null-origin", "insecure-origin-with-credentials"], ["null-origin"]),
    ],
)  # fmt: skip
def test_f2_dangers(origins: Any, with_credentials: list[str], without: list[str]) -> None:
    for credentials, expected in ((True, with_credentials), (False, without)):
        accepted = Policy(origins, allow_credentials=credentials, dangerously_allow=expected)
        dangers = [found.code for found in accepted.findings if found.severity == "danger"]
        assert dangers == expected

        if expected:
            with pytest.raises(PolicyError) as caught:
                Policy(origins, allow_credentials=credentials)
            assert [found.code for found in caught.value.findings] == expected


@pytest.mark.parametrize(
    ("origin", "fix"),
    [
        ("http://example.com", "https://example.com"),
        ("http://*.example.com:*", "https://*.example.com:*"),
        ("http://example.com:8080", "https://example.com:8080"),
        ("http://example.com:443", None),
    ],
)
def test_f2_plain_http_is_corrected_to_https(origin: str, fix: str | None) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy(origin, allow_credentials=True)

    assert [found.fix for found in caught.value.findings] == [fix]


def test_f2_a_misspelled_danger_is_a_danger_too() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy("http://Example.com/", allow_credentials=True)

    codes = [found.code for found in caught.value.findings]
    assert codes == ["origin-path", "origin-uppercase", "insecure-origin-with-credentials"]


# --- a value like any other -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name", ["allow_origins", "allow_credentials", "max_age", "findings", "is_async", "_origins", "new"]
)
def test_a_policy_cannot_be_changed(name: str) -> None:
    policy: Any = Policy(APP)

    with pytest.raises(AttributeError, match=rf"write policy\.replace\({name}=\.\.\.\)"):
        setattr(policy, name, None)
    with pytest.raises(AttributeError):
        delattr(policy, name)
    assert policy == Policy(APP)


def test_equal_policies_are_equal_and_have_one_hash() -> None:
    one, other = (
        Policy(APP, allow_methods=["PUT"], max_age=60),
        Policy([APP], allow_methods="PUT", max_age=timedelta(minutes=1)),
    )

    assert one == other
    assert hash(one) == hash(other)
    assert len({one, other}) == 1


@pytest.mark.parametrize(
    "changes",
    [
        {"allow_origins": EVIL},
        {"allow_origins": [APP, EVIL]},
        {"allow_origins": re.compile(re.escape(APP)), "dangerously_allow": "regex-origin"},
        {"allow_origin_check": always},
        {"allow_credentials": True},
        {"allow_methods": "PUT"},
        {"allow_headers": "X-A"},
        {"expose_headers": "X-A"},
        {"max_age": 60},
        {"max_age": None},
        {"allow_private_network": True},
        {"dangerously_allow": "null-origin"},
    ],
)
def test_a_policy_with_another_argument_is_another(changes: dict[str, Any]) -> None:
    policy = Policy(APP)

    changed = policy.replace(**changes)

    assert changed != policy
    assert policy == Policy(APP)
    assert type(changed) is Policy


def test_a_policy_equals_nothing_but_a_policy() -> None:
    others: list[object] = [APP, (APP,), None, {"allow_origins": [APP]}]

    assert Policy(APP) not in others


def test_a_policy_is_hashable_where_its_parts_are() -> None:
    class Unhashable:
        __hash__ = None  # type: ignore[assignment]

        def __call__(self, origin: str) -> bool:
            return False

    with pytest.raises(TypeError, match="Unhashable"):
        hash(Policy(APP, allow_origin_check=Unhashable()))


def test_replace_checks_anew() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy("*").replace(allow_credentials=True, max_age=-1)

    assert [found.code for found in caught.value.findings] == ["any-origin-with-credentials", "max-age-range"]


def test_replace_takes_only_arguments() -> None:
    with pytest.raises(TypeError, match="allow_method"):
        Policy(APP).replace(allow_method="PUT")


def test_replace_keeps_the_class() -> None:
    class Mine(Policy):
        pass

    assert type(Mine(APP).replace(max_age=0)) is Mine
    assert repr(Mine(APP)) == f"Mine(['{APP}'])"


@pytest.mark.parametrize("copied", [copy.copy, copy.deepcopy, lambda policy: pickle.loads(pickle.dumps(policy))])
def test_a_copy_answers_the_same(copied: Callable[[Policy], Policy]) -> None:
    again = copied(FULL)

    assert again == FULL
    assert again.findings == FULL.findings
    assert again.actual(APP).headers == FULL.actual(APP).headers
    assert again.preflight("null", "/", "PUT").headers == FULL.preflight("null", "/", "PUT").headers


@pytest.mark.parametrize(
    ("policy", "code"),
    [
        (Policy(APP), f"Policy(['{APP}'])"),
        (Policy([]), "Policy([])"),
        (Policy("*", max_age=None), "Policy(['*'], max_age=None)"),
        (Policy(APP, allow_credentials=True, allow_methods={"PUT", "DELETE"}),
         f"Policy(['{APP}'], allow_credentials=True, allow_methods=['DELETE', 'PUT'])"),
        (Policy(re.compile("https://a", re.IGNORECASE)), "Policy([re.compile('https://a', re.IGNORECASE)])"),
        (Policy("null", dangerously_allow=["null-origin"]), "Policy(['null'], dangerously_allow=['null-origin'])"),
        (Policy(APP, allow_origin_check=always), f"Policy(['{APP}'], allow_origin_check=always)"),
    ],
)  # fmt: skip
def test_a_policy_reads_as_code(policy: Policy, code: str) -> None:
    assert repr(policy) == code


names = st.text(string.ascii_letters + string.digits + "-_", min_size=1, max_size=8).map("X-{}".format)
policies = st.builds(
    Policy,
    st.lists(
        st.sampled_from(
            [APP, EVIL, "*", "null", "https://*.example.com", "https://*", "http://localhost:*", "http://*.a.b:*"]
        )
        | st.sampled_from(
            [re.compile(r"https://[a-z\-]+\.example\.org"), re.compile("(?i)https://A"), re.compile("'\"\\\\\n")]
        ),
        max_size=4,
    ),
    allow_credentials=st.booleans(),
    allow_methods=st.lists(st.sampled_from(["PUT", "DELETE", "PATCH", "patch", "GET", "*"]) | names, max_size=4),
    allow_headers=st.lists(st.sampled_from(["Authorization", "authorization", "*"]) | names, max_size=4),
    expose_headers=st.lists(st.sampled_from(["ETag", "*", "Content-Type"]) | names, max_size=4),
    max_age=st.none() | st.integers(0, 86400),
    allow_private_network=st.booleans(),
    dangerously_allow=st.just(sorted(DANGERS)),
)


@given(policies)
def test_a_policy_is_what_its_repr_builds(policy: Policy) -> None:
    assert eval(repr(policy), {"Policy": Policy, "re": re}) == policy


@given(policies)
def test_a_policy_is_what_its_mapping_builds_after_a_way_through_json(policy: Policy) -> None:
    mapping = json.loads(json.dumps(policy.to_mapping()))

    assert Policy.from_mapping(mapping) == policy


@given(policies)
def test_a_policy_is_what_replacing_nothing_builds(policy: Policy) -> None:
    assert policy.replace() == policy
    assert policy.replace().findings == policy.findings


def test_a_mapping_holds_what_differs_from_the_defaults_as_plain_data() -> None:
    assert FULL.to_mapping() == {
        "allow_origins": [APP, "https://*.example.com", {"regex": r"https://a+\.example\.org"}, "null"],
        "allow_credentials": True,
        "allow_methods": ["PUT", "DELETE"],
        "allow_headers": ["Authorization", "X-Request-Id"],
        "expose_headers": ["X-Total-Count"],
        "max_age": 60,
        "allow_private_network": True,
        "dangerously_allow": ["null-origin", "regex-origin"],
    }


def test_a_mapping_may_hold_a_lone_origin() -> None:
    assert Policy.from_mapping({"allow_origins": APP, "max_age": 5}) == Policy(APP, max_age=5)


def test_a_check_cannot_be_written_as_data() -> None:
    with pytest.raises(TypeError, match="allow_origin_check"):
        Policy(APP, allow_origin_check=always).to_mapping()


def test_f1_a_mapping_reports_everything_at_once() -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({"alow_methods": ["PUT"], "colour": "red", "allow_headers": ["Cookie"]})

    assert [(found.where, found.code, found.fix) for found in caught.value.findings] == [
        ("alow_methods", "argument-unknown", "allow_methods"),
        ("colour", "argument-unknown", None),
        ("allow_origins", "argument-missing", None),
        ("allow_headers[0]", "header-forbidden", None),
    ]


@pytest.mark.parametrize("entry", [{"regex": "("}, {"regex": "*"}, {"regex": None}, {"regex": 5}])
def test_f1_an_expression_in_a_mapping_must_compile(entry: object) -> None:
    with pytest.raises(PolicyError) as caught:
        Policy.from_mapping({"allow_origins": [entry]})

    assert [(found.where, found.code) for found in caught.value.findings] == [("allow_origins[0]", "regex-invalid")]


def test_a_policy_is_one_set_of_rules() -> None:
    assert isinstance(Policy(APP), Rules)


def test_two_processes_say_the_same_of_one_policy() -> None:
    program = (
        "from crossorigin import Policy\n"
        "policy = Policy({'https://a.example', 'https://b.example'}, allow_methods={'PUT', 'PATCH', 'DELETE'},"
        " allow_headers={'X-A', 'X-B', 'X-C', 'X-D'})\n"
        "print(policy, policy.preflight('https://a.example', '/', 'PUT').headers)"
    )

    said = set()
    for seed in ("1", "2", "3"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(sys.path)}
        said.add(subprocess.check_output([sys.executable, "-c", program], env=environment))

    assert len(said) == 1


# --- allow_origin_check -----------------------------------------------------------------------------------------------

Check = Callable[[str], bool | Awaitable[bool]]


def asked(policy: Policy, origin: str) -> list[Answer]:
    """Return what the policy answers in all the ways in which it can be asked."""
    answers = [asyncio.run(policy.actual_async(origin)), asyncio.run(policy.preflight_async(origin, "/", "GET"))]
    if not policy.is_async:
        answers += [policy.actual(origin), policy.preflight(origin, "/", "GET")]
    return answers


def in_an_async_way(check: Callable[[str], Any]) -> Callable[[str], Coroutine[Any, Any, Any]]:
    """Return an ``async def`` that does what the plain *check* does."""

    async def twin(origin: str) -> Any:
        await asyncio.sleep(0)
        return check(origin)

    return twin


@pytest.mark.parametrize("wrap", [lambda check: check, in_an_async_way], ids=["plain", "async"])
@pytest.mark.parametrize(("verdict", "reason"), [(True, "allowed"), (False, "check-refused")])
def test_a_check_says_yes_or_no(wrap: Callable[[Check], Check], verdict: bool, reason: Reason) -> None:
    policy = Policy(APP, allow_origin_check=wrap(lambda origin: verdict))

    for answer in asked(policy, EVIL):
        assert (answer.allowed, answer.reason, answer.error) == (verdict, reason, None)


@pytest.mark.parametrize("wrap", [lambda check: check, in_an_async_way], ids=["plain", "async"])
@pytest.mark.parametrize("value", [1, 0, "yes", "", None, [True], object(), 1.0])
def test_a_check_that_says_neither_denies(wrap: Callable[[Any], Check], value: object) -> None:
    policy = Policy(APP, allow_origin_check=wrap(lambda origin: value))

    for answer in asked(policy, EVIL):
        assert (answer.allowed, answer.reason, answer.origin) == (False, "check-failed", None)
        assert isinstance(answer.error, TypeError)
        assert type(value).__name__ in str(answer.error)


@pytest.mark.parametrize("wrap", [lambda check: check, in_an_async_way], ids=["plain", "async"])
def test_a_check_that_raises_denies_and_its_error_is_handed_on(wrap: Callable[[Any], Check]) -> None:
    failure = LookupError("the database is away")

    def fails(origin: str) -> bool:
        raise failure

    for answer in asked(Policy(APP, allow_origin_check=wrap(fails)), EVIL):
        assert (answer.allowed, answer.reason, answer.error) == (False, "check-failed", failure)
        assert answer.headers == ()


@pytest.mark.parametrize("wrap", [lambda check: check, in_an_async_way], ids=["plain", "async"])
@pytest.mark.parametrize("interruption", [KeyboardInterrupt, asyncio.CancelledError])
def test_a_check_that_is_interrupted_is_no_refusal(
    wrap: Callable[[Any], Check], interruption: type[BaseException]
) -> None:
    def interrupted(origin: str) -> bool:
        raise interruption

    policy = Policy(APP, allow_origin_check=wrap(interrupted))

    with pytest.raises(interruption):
        asyncio.run(policy.actual_async(EVIL))


def test_a_plain_check_that_returns_a_coroutine_denies_and_warns_of_nothing() -> None:
    def forgets_to_await(origin: str) -> Awaitable[bool]:
        return later(origin)

    policy = Policy(APP, allow_origin_check=forgets_to_await)

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        answers = asked(policy, "https://a.example.net")
        gc.collect()

    assert [answer.reason for answer in answers] == ["check-failed"] * 4
    assert [str(warning.message) for warning in caught] == []


@pytest.mark.parametrize("wrap", [lambda check: check, in_an_async_way], ids=["plain", "async"])
def test_a_check_is_asked_last_and_only_of_a_well_formed_origin(wrap: Callable[[Any], Check]) -> None:
    shown: list[str] = []

    def check(origin: str) -> bool:
        shown.append(origin)
        return False

    policy = Policy([APP, "https://*.example.com"], allow_origin_check=wrap(check))

    for origin in [APP, "https://a.example.com", "null", "", f"{EVIL}/", "https://EVIL.example", "*", "\x00", EVIL]:
        asyncio.run(policy.actual_async(origin))
    asyncio.run(policy.actual_async(None))

    assert shown == [EVIL]


def test_a_check_is_never_asked_where_every_origin_is_allowed() -> None:
    assert Policy("*", allow_origin_check=never).actual(EVIL).allowed


class AsyncCallable:
    """A check that is an object."""

    async def __call__(self, origin: str) -> bool:
        return await later(origin)

    async def method(self, origin: str) -> bool:
        return await later(origin)


def two_arguments(origin: str, more: str) -> bool:
    """Allow what the second argument says."""
    return origin.endswith(more)


@pytest.mark.parametrize(
    ("check", "is_async"),
    [
        (None, False),
        (always, False),
        (str.islower, False),
        (lambda origin: False, False),
        (functools.partial(two_arguments, more=".example.net"), False),
        (later, True),
        (AsyncCallable(), True),
        (AsyncCallable().method, True),
        (functools.partial(later), True),
    ],
)
def test_a_policy_knows_whether_it_must_be_awaited(check: Check | None, is_async: bool) -> None:
    assert Policy(APP, allow_origin_check=check).is_async == is_async


@pytest.mark.parametrize("check", [later, AsyncCallable(), AsyncCallable().method, functools.partial(later)])
def test_an_async_check_is_awaited(check: Check) -> None:
    policy = Policy(APP, allow_origin_check=check)

    assert asyncio.run(policy.actual_async("https://a.example.net")).allowed
    assert asyncio.run(policy.preflight_async("https://a.example.net", "/", "POST")).allowed
    assert asyncio.run(policy.actual_async(EVIL)).reason == "check-refused"
    assert asyncio.run(policy.actual_async(None)).reason == "no-origin"


def test_a_plain_question_of_a_policy_with_an_async_check_is_a_mistake() -> None:
    policy = Policy(APP, allow_origin_check=later)

    with pytest.raises(TypeError, match="actual_async"):
        policy.actual(EVIL)
    with pytest.raises(TypeError, match="preflight_async"):
        policy.preflight(EVIL, "/", "GET")


# --- answers ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "reason", "allowed", "status"),
    [
        ((APP, "PUT"), "allowed", True, None),
        ((APP, "GET", ["x-request-id, AUTHORIZATION"]), "allowed", True, None),
        ((EVIL, "PUT"), "origin-not-allowed", False, 403),
        (("null", "PUT"), "allowed", True, None),
        (("", "PUT"), "origin-malformed", False, 403),
        ((APP, ""), "method-malformed", False, 403),
        ((APP, "GET, PUT"), "method-malformed", False, 403),
        ((EVIL, "GET, PUT"), "origin-not-allowed", False, 403),
        ((APP, "PATCH"), "method-not-allowed", False, None),
        ((APP, "put"), "method-not-allowed", False, None),
        ((APP, "PUT", ["x b"]), "headers-malformed", False, None),
        ((APP, "PUT", ["x-other"]), "headers-not-allowed", False, None),
        ((APP, "PATCH", ["x b"]), "method-not-allowed", False, None),
    ],
)
def test_a_preflight_is_answered_with_one_reason(
    arguments: tuple[Any, ...], reason: Reason, allowed: bool, status: int | None
) -> None:
    origin, method, *headers = arguments

    answer = FULL.preflight(origin, "/", method, *headers)

    assert (answer.reason, answer.allowed, answer.status) == (reason, allowed, status)


@pytest.mark.parametrize("credentials", [True, False])
@pytest.mark.parametrize(
    ("method", "headers", "reason"),
    [
        ("PURGE", [], "allowed"),
        ("TRACE", [], "method-not-allowed"),
        ("connect", [], "method-not-allowed"),
        ("PURGE", ["x-anything"], "allowed"),
        ("PURGE", ["authorization"], "headers-not-allowed"),
    ],
)
def test_s14_a_star_allows_all_but_what_no_browser_sends_and_authorization(
    credentials: bool, method: str, headers: list[str], reason: str
) -> None:
    policy = Policy(APP, allow_credentials=credentials, allow_methods="*", allow_headers="*")

    assert policy.preflight(APP, "/", method, headers).reason == reason


def test_the_path_does_not_matter_to_one_policy() -> None:
    assert FULL.actual(APP, "/a") == FULL.actual(APP, "//../b\\")
    assert FULL.preflight(APP, "/a", "PUT") == FULL.preflight(APP, "", "PUT")


def test_what_does_not_depend_on_the_request_is_shared() -> None:
    assert FULL.actual(APP).block is FULL.actual("https://shop.example.com").block
    assert FULL.actual(EVIL).block is FULL.actual("").block is FULL.actual(None).block
    assert FULL.actual(None) is FULL.actual(None)
    assert (
        FULL.preflight(APP, "/", "PUT").block is FULL.preflight("https://b.example.com", "/x", "PATCH", ["x-a"]).block
    )
    assert FULL.preflight(EVIL, "/", "PUT").block is FULL.actual(EVIL).block


def test_what_one_does_with_an_answer_never_shows_in_the_next() -> None:
    before = FULL.actual(APP).headers, FULL.preflight(APP, "/", "PUT").headers, FULL.actual(EVIL).vary

    for answer in (FULL.actual(APP), FULL.preflight(APP, "/", "PUT"), FULL.actual(EVIL)):
        headers, vary = list(answer.headers), list(answer.vary)
        headers.append(("X-Leaked", "1"))
        vary.append("Leaked")
        wire = list(answer.wire_headers)
        wire.clear()

    assert (FULL.actual(APP).headers, FULL.preflight(APP, "/", "PUT").headers, FULL.actual(EVIL).vary) == before


@pytest.mark.parametrize("answer", [FULL.actual(APP), FULL.actual(None), FULL.preflight(APP, "/", "PUT")])
def test_an_answer_cannot_be_changed(answer: Any) -> None:
    for name in ("allowed", "reason", "block", "origin", "status", "error", "headers", "vary"):
        with pytest.raises(AttributeError):
            setattr(answer, name, None)
    assert isinstance(answer.headers, tuple)
    assert isinstance(answer.wire_headers, tuple)
    assert isinstance(answer.vary, tuple)


def test_both_forms_of_the_headers_say_the_same() -> None:
    answer = FULL.preflight(APP, "/", "PUT", private_network=True)

    assert [(name.decode(), value.decode()) for name, value in answer.wire_headers] == [
        (name.lower(), value) for name, value in answer.headers
    ]


def test_s14_what_was_asked_of_a_reflecting_policy_is_not_remembered() -> None:
    policy = Policy(APP, allow_credentials=True, allow_methods="*", allow_headers="*")

    policy.preflight(APP, "/", "PURGE", ["x-secret"])
    answer = policy.preflight(APP, "/", "GET")

    assert answer.headers == (
        ("Access-Control-Allow-Origin", APP), ("Access-Control-Allow-Credentials", "true"),
        ("Access-Control-Allow-Methods", "GET"), ("Access-Control-Max-Age", "600"),
    )  # fmt: skip


# --- F4 bounds --------------------------------------------------------------------------------------------------------


def test_f4_the_bounds_of_asked_for_headers() -> None:
    assert (MAX_REQUESTED_BYTES, MAX_REQUESTED_NAMES) == (8192, 128)


@pytest.mark.parametrize(
    ("largest", "too_large"),
    [
        (["x" * 8192], ["x" * 8193]),
        (["x" * 4096, "y" * 4096], ["x" * 4096, "y" * 4097]),
        (["x", "," * 8191], ["x", "," * 8192]),
        ([" " * 8192], [" " * 8193]),
        ([",".join(["x"] * 128)], [",".join(["x"] * 129)]),
        (["x"] * 128, ["x"] * 129),
        ([*["x"] * 127, ",,y,,"], [*["x"] * 127, "y,z"]),
    ],
)
def test_f4_one_byte_or_name_more_is_not_granted(largest: list[str], too_large: list[str]) -> None:
    policy = Policy(APP, allow_headers="*", allow_credentials=True)

    assert requested_names(largest) is not None
    assert requested_names(too_large) is None
    assert policy.preflight(APP, "/", "GET", largest).reason == "allowed"
    assert policy.preflight(APP, "/", "GET", too_large).reason == "headers-malformed"


# --- S20 what would have been allowed ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("policy", "reason", "request_", "text"),
    [
        (Policy("http://localhost:8080"), "origin-not-allowed", {"origin": "http://localhost:3000"},
         "the policy allows 'http://localhost:8080': another port"),
        (Policy("https://*.example.com"), "origin-not-allowed", {"origin": "https://example.com"},
         "the policy allows 'https://*.example.com': '*.' stands for one or more labels, not for none"),
        (Policy(APP), "origin-not-allowed", {"origin": EVIL}, None),
        (Policy(APP), "origin-null", {"origin": "null"},
         "sandboxed frames, file: and data: pages, and redirects across origins have the origin 'null'"),
        (Policy(APP), "origin-malformed", {"origin": "x"}, None),
        (Policy(APP), "check-refused", {"origin": EVIL}, None),
        (Policy(APP), "no-origin", {"origin": ""}, None),
        (Policy(APP), "allowed", {"origin": APP}, None),
        (Policy(APP, allow_methods="PATCH"), "method-not-allowed", {"origin": APP, "method": "patch"},
         "not 'patch' but 'PATCH' is allowed: methods are case-sensitive"),
        (Policy(APP, allow_methods="PATCH"), "method-not-allowed", {"origin": APP, "method": "PUT"},
         "'PUT' is not in allow_methods"),
        (Policy(APP, allow_headers="X-A"), "headers-not-allowed", {"origin": APP, "headers": ["x-a,x-b", "x-c"]},
         "not in allow_headers: 'x-b', 'x-c'"),
        (Policy("*", allow_headers="*"), "headers-not-allowed", {"origin": APP, "headers": ["authorization,x-b"]},
         "not in allow_headers: 'authorization'"),
    ],
)  # fmt: skip
def test_s20_a_refusal_says_what_would_have_been_allowed(
    policy: Policy, reason: Reason, request_: dict[str, Any], text: str | None
) -> None:
    assert policy.near_miss(reason, **request_) == text


# --- S3, S7, S14 whatever a client sends ------------------------------------------------------------------------------

ASKED: list[Policy] = [
    Policy([]),
    Policy(APP, allow_origin_check=always),
    FULL,
    Policy("*"),
    Policy("*", allow_methods="*", allow_headers=["*", "Authorization"], expose_headers="*"),
    Policy("*", allow_credentials=True, allow_methods="*", allow_headers="*", expose_headers="*",
           allow_private_network=True, dangerously_allow="any-origin-with-credentials"),
    Policy(["null", re.compile(".*", re.DOTALL)], allow_methods="*", allow_headers="*",
           dangerously_allow="null-origin"),
    Policy(APP, allow_credentials=True, allow_methods=["*", "PUT"], allow_headers=["X-A"], max_age=None),
]  # fmt: skip
DECLARED = {"allow-methods": {"PUT", "DELETE", "*"}, "allow-headers": {"Authorization", "X-Request-Id", "X-A", "*"}}
CONSTANT = {"allow-credentials": {"true"}, "max-age": {"600", "60"}, "allow-private-network": {"true"},
            "expose-headers": {"X-Total-Count", "*"}}  # fmt: skip

texts = (
    st.text(max_size=30)
    | st.text('xX-a, \t\r\n\0:*"<é', max_size=30)
    | st.sampled_from([APP, EVIL, "null", "*", "PUT", "TRACE", "x-a", "authorization, x-a", f"{APP}\r\nX: y", "GET\n"])
)


@given(st.sampled_from(ASKED), texts, texts, st.lists(texts, max_size=3), st.booleans())
@settings(max_examples=500)
def test_s3_nothing_raises_and_nothing_goes_back_but_the_origin_and_the_tokens_asked_for(
    policy: Policy, origin: str, method: str, headers: list[str], private_network: bool
) -> None:
    actual = policy.actual(origin)
    preflight = policy.preflight(origin, "/", method, headers, private_network)

    for answer in (actual, preflight):
        policy.near_miss(answer.reason, origin, "/", method, headers)
        names_sent = [name for name, _ in answer.headers]
        assert len(set(names_sent)) == len(names_sent)
        for name, value in answer.headers:
            short = name.lower().removeprefix("access-control-")
            if short == "allow-origin":
                assert value == "*" or (value == origin and (value == "null" or Origin.parse(value)))
            elif short in CONSTANT:
                assert value in CONSTANT[short]
            else:
                elements = {"allow-methods": [method], "allow-headers": fetch.parse_list(headers) or []}[short]
                assert set(value.split(", ")) <= DECLARED[short] | {text for text in elements if fetch.is_token(text)}


@given(st.sampled_from(ASKED), texts, texts, st.lists(texts, max_size=3), st.booleans())
@settings(max_examples=500)
def test_s7_never_a_star_or_null_beside_credentials_and_never_anything_for_a_denied_origin(
    policy: Policy, origin: str, method: str, headers: list[str], private_network: bool
) -> None:
    for answer in (policy.actual(origin), policy.preflight(origin, "/", method, headers, private_network)):
        sent = dict(answer.headers)
        if "Access-Control-Allow-Credentials" in sent:
            assert sent["Access-Control-Allow-Origin"] not in ("*", "null")
            assert sent.get("Access-Control-Expose-Headers") != "*"
        if "Access-Control-Allow-Origin" not in sent:
            assert sent == {}
            assert not answer.allowed
        assert ("Origin" in answer.vary) != (policy.allow_origins == ("*",) and not policy.allow_credentials)


@given(st.sampled_from(ASKED), texts, texts, st.lists(texts, max_size=3))
@settings(max_examples=100)
def test_the_awaitable_questions_are_answered_as_the_plain_ones(
    policy: Policy, origin: str, method: str, headers: list[str]
) -> None:
    actual, preflight = policy.actual(origin), policy.preflight(origin, "/", method, headers)

    awaited = (
        asyncio.run(policy.actual_async(origin)),
        asyncio.run(policy.preflight_async(origin, "/", method, headers)),
    )

    assert [answer.headers for answer in awaited] == [actual.headers, preflight.headers]
    assert [answer[:2] for answer in awaited] == [actual[:2], preflight[:2]]


# --- what is not right yet --------------------------------------------------------------------------------------------


def test_an_expression_matches_the_same_after_a_way_through_a_mapping() -> None:
    policy = Policy(re.compile("https://A.EXAMPLE", re.IGNORECASE))

    again = Policy.from_mapping(policy.to_mapping())

    assert [one.actual("https://a.example").allowed for one in (policy, again)] == [True, True]


def test_a_policy_with_a_long_expression_reads_as_code() -> None:
    policy = Policy(re.compile("|".join(f"https://site-{number}\\.example" for number in range(50))))

    assert eval(repr(policy), {"Policy": Policy, "re": re}) == policy


def test_f1_an_expression_in_a_mapping_that_overflows_is_reported() -> None:
    with pytest.raises(PolicyError):
        Policy.from_mapping({"allow_origins": [{"regex": "a{99999999999999999999}"}]})


def test_a_plain_question_of_a_policy_with_an_async_check_is_a_mistake_for_every_origin() -> None:
    policy = Policy(APP, allow_origin_check=later)

    with pytest.raises(TypeError):
        policy.actual(APP)


@pytest.mark.parametrize("name", ["text", "wire", "vary", "vary_wire", "expose_all"])
def test_the_shared_part_of_an_answer_cannot_be_changed(name: str) -> None:
    block: Any = Policy(APP).actual(APP).block

    with pytest.raises(AttributeError):
        setattr(block, name, ())
    with pytest.raises(AttributeError):
        delattr(block, name)
    assert repr(block) == "Block((), vary=('Origin',), expose_all=False, keep=frozenset())"
