"""AnyOf, ByPath and LEAVE: which policy answers, and that no answer is a mixture (S10, S11, S19)."""

import asyncio
from collections.abc import Callable, Sequence

import pytest
from fastapi import FastAPI

from conformance.messages import Request
from conformance.stacks import STACKS, Stack
from conformance.stacks.asgi import asgi_api, ask_asgi
from crossorigin import LEAVE, AnyOf, ByPath, Policy, PolicyError
from crossorigin.answer import Answer, Rules
from crossorigin.asgi import CORSMiddleware, Receive, Scope, Send, routed_path
from crossorigin.compose import Relay

APP = "https://app.example.com"
ADMIN = "https://admin.example.com"
EVIL = "https://evil.example"

OURS = Policy(APP, allow_credentials=True, allow_methods=["PUT"], max_age=None)
PUBLIC = Policy("*", allow_methods=["PATCH"], max_age=None)
ADMINS = Policy(ADMIN, allow_methods=["DELETE"], max_age=None)

parametrize_stacks = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


async def slowly(origin: str) -> bool:
    await asyncio.sleep(0)
    return origin == EVIL


@parametrize_stacks
def test_the_first_policy_that_allows_the_origin_decides_everything(stack: Stack) -> None:
    app = stack.serve(AnyOf(OURS, ADMINS, PUBLIC))

    granted = {"allow-origin": APP, "allow-credentials": "true"}
    assert stack.ask(app, Request.actual(APP)).cors == granted
    assert stack.ask(app, Request.preflight(APP)).cors == {**granted, "allow-methods": "PUT"}
    assert stack.ask(app, Request.actual(ADMIN)).cors == {"allow-origin": ADMIN}
    assert stack.ask(app, Request.preflight(ADMIN)).cors == {"allow-origin": ADMIN, "allow-methods": "DELETE"}
    assert stack.ask(app, Request.preflight(EVIL)).cors == {"allow-origin": "*", "allow-methods": "PATCH"}


@parametrize_stacks
@pytest.mark.parametrize("origin", [APP, EVIL, None, "null", "https://app.example.com/"])
def test_s10_where_the_constant_comes_last_every_answer_varies(stack: Stack, origin: str | None) -> None:
    response = stack.ask(stack.serve(AnyOf(OURS, PUBLIC)), Request.actual(origin))

    assert response.vary == ["origin"]


@parametrize_stacks
def test_s10_where_the_constant_comes_first_nothing_varies(stack: Stack) -> None:
    app = stack.serve(AnyOf(PUBLIC, OURS))

    for origin in (APP, EVIL, None):
        response = stack.ask(app, Request.actual(origin))
        assert (response.cors, response.vary) == ({"allow-origin": "*"}, [])


@parametrize_stacks
def test_whom_nobody_allows_is_denied(stack: Stack) -> None:
    app = stack.serve(AnyOf(OURS, ADMINS))

    assert stack.ask(app, Request.actual(EVIL)).cors == {}
    assert stack.ask(app, Request.preflight(EVIL)).status == 403
    assert stack.ask(app, Request.actual(None)).vary == ["origin"]


def test_a_method_that_the_first_policy_refuses_is_not_asked_of_the_next() -> None:
    answer = AnyOf(OURS, Policy(APP, allow_methods=["PATCH"])).preflight(APP, "/", "PATCH")

    assert answer is not None
    assert (answer.allowed, answer.reason) == (False, "method-not-allowed")


def test_the_nearest_miss_is_that_of_the_first_policy_that_has_one() -> None:
    rules = AnyOf(Policy("https://unlike.test"), Policy("http://localhost:8080"))

    miss = rules.near_miss("origin-not-allowed", "http://localhost:3000")

    assert miss == "the policy allows 'http://localhost:8080': another port"


def test_the_nearest_miss_of_a_refused_method_or_header_is_that_of_the_policy_that_refused_it() -> None:
    rules = AnyOf(
        Policy("https://unlike.test", allow_methods=["GET"]),
        Policy(APP, allow_methods=["PUT"], allow_headers=["X-Tag"]),
        Policy("*", allow_methods=["DELETE"], allow_headers=["X-Other"]),
    )

    assert rules.near_miss("method-not-allowed", APP, "/", "put") == (
        "not 'put' but 'PUT' is allowed: methods are case-sensitive"
    )
    assert rules.near_miss("method-not-allowed", APP, "/", "DELETE") == "'DELETE' is not in allow_methods"
    assert rules.near_miss("headers-not-allowed", APP, "/", "PUT", ["x-other"]) == (
        Policy(APP, allow_headers=["X-Tag"]).near_miss("headers-not-allowed", APP, "/", "PUT", ["x-other"])
    )


def test_a_method_that_is_allowed_is_no_near_miss_of_itself() -> None:
    assert Policy(APP, allow_methods=["PUT"]).near_miss("method-not-allowed", APP, "/", "PUT") == (
        "'PUT' is not in allow_methods"
    )


class Rewording(Relay):
    """A `Relay` that asks others for one origin, and says so."""

    def __init__(self, rules: Rules, others: Rules) -> None:
        super().__init__(rules)
        self.others = others

    def ruling(self, origin: str | None) -> Rules:
        return self.others if origin == EVIL else self.rules

    def actual_reply(self, answer: Answer) -> Answer:
        return answer._replace(text="actual")

    def preflight_reply(
        self, answer: Answer, origin: str, method: str, headers: Sequence[str], private_network: bool
    ) -> Answer:
        return answer._replace(text=f"{origin} {method} {list(headers)} {private_network}")


def test_a_relay_asks_and_replies_alike_whether_it_is_awaited() -> None:
    relay = Rewording(OURS, PUBLIC)

    for origin in (APP, EVIL, None):
        plain, awaited = relay.actual(origin), asyncio.run(relay.actual_async(origin))
        asked = (PUBLIC if origin == EVIL else OURS).actual(origin)
        assert plain == awaited == asked._replace(text="actual")
    for origin in (APP, EVIL):
        plain = relay.preflight(origin, "/", "PUT", ["x-a"])
        awaited = asyncio.run(relay.preflight_async(origin, "/", "PUT", ["x-a"]))
        asked = (PUBLIC if origin == EVIL else OURS).preflight(origin, "/", "PUT", ["x-a"])
        assert plain == awaited == asked._replace(text=f"{origin} PUT ['x-a'] False")


def test_a_relay_leaves_what_its_rules_leave_and_is_async_as_they_are() -> None:
    async def check(origin: str) -> bool:
        return True

    relay = Relay(LEAVE)
    assert (relay.actual(APP), relay.preflight(APP, "/", "PUT"), relay.is_async) == (None, None, False)
    assert asyncio.run(relay.actual_async(APP)) is asyncio.run(relay.preflight_async(APP, "/", "PUT")) is None

    relay.rules = Policy((), allow_origin_check=check)
    assert relay.is_async
    assert repr(relay) == f"Relay({relay.rules!r})"
    assert Relay(OURS).near_miss("origin-not-allowed", "http://x.test") == OURS.near_miss(
        "origin-not-allowed", "http://x.test"
    )


PATHS = ByPath({"/public/": PUBLIC, "/admin": ADMINS, "/legacy": LEAVE, "/off": None, "/": OURS})


@pytest.mark.parametrize(
    ("path", "policy"),
    [
        ("/public", PUBLIC),
        ("/public/", PUBLIC),
        ("/public/feed", PUBLIC),
        ("/publicity", OURS),
        ("/Public/feed", OURS),
        ("/admin", ADMINS),
        ("/admin/users", ADMINS),
        ("/admin+users", OURS),
        ("/a/public/feed", OURS),
        ("/legacy/x", LEAVE),
        ("/", OURS),
        ("", OURS),
        ("/pub\u00fclic/", OURS),
        ("/public;v=1/feed", OURS),
    ],
)
def test_s19_rules_cover_whole_segments_in_written_order(path: str, policy: object) -> None:
    assert PATHS.at(path) is policy


@pytest.mark.parametrize(
    "path",
    [
        "//public/feed",
        "/public//feed",
        "/public/../admin",
        "/public/./feed",
        "/public/..",
        "/public/.",
        "/public\\feed",
        "/public/\x00",
        "/public/%2e%2e/admin",
        "/public%2Ffeed",
        "/public/%5Cfeed",
        "/public/%00",
    ],
)
@parametrize_stacks
def test_s19_a_path_that_can_be_read_in_two_ways_gets_no_cors(stack: Stack, path: str) -> None:
    app = stack.serve(PATHS)

    assert stack.ask(app, Request.actual(APP, path)).cors == {}
    assert stack.ask(app, Request.preflight(APP, path=path)).status == 403
    assert stack.ask(stack.serve(PATHS, enforce=True), Request.actual(APP, path)).status == 403


@parametrize_stacks
def test_leave_hands_the_path_to_whatever_is_inside_preflights_included(stack: Stack) -> None:
    app = stack.serve(ByPath({"/own-cors": LEAVE, "/": OURS}), enforce=True)

    actual = stack.ask(app, Request.actual(EVIL, "/own-cors"))
    preflight = stack.ask(app, Request.preflight(EVIL, path="/own-cors"))

    assert actual.cors["allow-origin"] == "https://someone.example"
    assert (preflight.status, preflight.body) == (200, b"the application's own")


@parametrize_stacks
def test_none_and_an_uncovered_path_mean_no_cors(stack: Stack) -> None:
    for rules in (ByPath({"/own-cors": None, "/": OURS}), ByPath({"/items": OURS})):
        app = stack.serve(rules)

        assert stack.ask(app, Request.actual(APP, "/own-cors")).cors == {}
        assert stack.ask(app, Request.actual(None, "/own-cors")).cors == {}
        assert stack.ask(app, Request.preflight(APP, path="/own-cors")).status == 403
        assert stack.ask(app, Request.actual(APP, "/items")).cors["allow-origin"] == APP


def test_the_default_covers_the_rest() -> None:
    rules = ByPath({"/admin": ADMINS}, default=PUBLIC)

    assert rules.at("/anything") is PUBLIC


@pytest.mark.parametrize(
    ("build", "codes", "fix"),
    [
        (lambda: ByPath({"public": OURS}), ["rule-path"], "/public"),
        (lambda: ByPath({"/public/*": OURS}), ["rule-path"], "/public/"),
        (lambda: ByPath({"/a//b": OURS}), ["rule-path"], None),
        (lambda: ByPath({"/a?b": OURS}), ["rule-path"], None),
        (lambda: ByPath({3: OURS}), ["rule-path"], None),  # type: ignore[dict-item]
        (lambda: ByPath({"/": "*", "/x": OURS}), ["rule-type"], None),  # type: ignore[dict-item]
        (lambda: ByPath({}, default="*"), ["rule-type"], None),  # type: ignore[arg-type]
        (AnyOf, ["no-policies"], None),
        (lambda: AnyOf(None, "x"), ["rule-type", "rule-type"], None),  # type: ignore[arg-type]
    ],
)
def test_f1_what_cannot_be_composed_is_refused_at_once(
    build: Callable[[], object], codes: list[str], fix: object
) -> None:
    with pytest.raises(PolicyError) as caught:
        build()

    assert [found.code for found in caught.value.findings] == codes
    assert caught.value.findings[0].fix == fix


def test_f3_a_rule_that_an_earlier_one_hides_is_a_finding() -> None:
    rules = ByPath({"/api/": OURS, "/api": PUBLIC, "/api/v1": PUBLIC, "/apix": PUBLIC})

    assert [(found.code, found.where) for found in rules.findings] == [
        ("unreachable-rule", "ByPath['/api']"),
        ("unreachable-rule", "ByPath['/api/v1']"),
    ]


def test_f3_findings_of_the_parts_say_where_they_are() -> None:
    wordy = Policy(APP, allow_methods=["GET"])

    assert [found.where for found in AnyOf(OURS, wordy).findings] == ["AnyOf[1]: allow_methods[0]"]
    assert [found.where for found in ByPath({"/a": wordy}).findings] == ["ByPath['/a']: allow_methods[0]"]
    assert [found.code for found in AnyOf(PUBLIC, OURS).findings] == ["unreachable-policy"]


def test_composed_policies_go_into_each_other() -> None:
    rules = AnyOf(ByPath({"/public": PUBLIC, "/left": LEAVE}), OURS)

    for path, origin, headers in [
        ("/public", EVIL, (("Access-Control-Allow-Origin", "*"),)),
        ("/other", APP, (("Access-Control-Allow-Origin", APP), ("Access-Control-Allow-Credentials", "true"))),
        ("/other", EVIL, ()),
    ]:
        answer = rules.actual(origin, path)
        assert answer is not None
        assert answer.headers == headers
    assert rules.actual(EVIL, "/left") is None
    assert rules.actual(None, "/left") is None


def test_async_checks_are_awaited_wherever_they_are() -> None:
    checked = Policy(APP, allow_origin_check=slowly, max_age=None)

    async def main() -> list[str | None]:
        answers: list[str | None] = []
        for rules in (AnyOf(ADMINS, checked), ByPath({"/": checked}), AnyOf(ByPath({"/": checked}))):
            assert rules.is_async
            for origin in (EVIL, APP, ADMIN, None):
                actual = await rules.actual_async(origin, "/")
                answers.append(actual and actual.reason)
            preflight = await rules.preflight_async(EVIL, "/", "GET")
            answers.append(preflight and preflight.reason)
        return answers

    assert asyncio.run(main()) == [
        *("allowed", "allowed", "allowed", "no-origin", "allowed"),
        *("allowed", "allowed", "check-refused", "no-origin", "allowed"),
        *("allowed", "allowed", "check-refused", "no-origin", "allowed"),
    ]


def test_leave_and_no_cors_answer_alike_when_awaited() -> None:
    async def main() -> list[object]:
        rules = ByPath({"/left": LEAVE, "/off": None})
        return [
            await rules.actual_async(APP, "/left"),
            await rules.preflight_async(APP, "/left", "GET"),
            await rules.actual_async(APP, "/off"),
            await rules.preflight_async(APP, "/off", "GET"),
        ]

    left, left_preflight, off, off_preflight = asyncio.run(main())

    assert left is left_preflight is None
    assert off is off_preflight is not None


def test_composed_policies_read_as_code() -> None:
    rules = ByPath({"/a": AnyOf(Policy(APP)), "/b": LEAVE}, default=Policy("*"))

    assert repr(rules) == f"ByPath({{'/a': AnyOf(Policy(['{APP}'])), '/b': LEAVE}}, default=Policy(['*']))"
    assert repr(ByPath({"/a": None})) == "ByPath({'/a': None})"
    assert ByPath({}).near_miss("path-uncovered", APP) is None


def test_f3_a_policy_behind_path_rules_that_are_not_all_constant_is_asked() -> None:
    rules = AnyOf(ByPath({"/admin/": OURS, "/": PUBLIC}), ADMINS)

    assert [found.code for found in rules.findings] == []
    assert [found.code for found in AnyOf(ByPath({"/": PUBLIC}, default=PUBLIC), OURS).findings] == [
        "unreachable-policy"
    ]


@pytest.mark.parametrize(
    ("path", "root", "allowed"),
    [("/api/admin/x", "/api", False), ("/public/api/admin/x", "/api", False), ("/public/x", "/api", True)],
)
def test_s19_a_root_path_that_can_be_cut_out_in_two_ways_gets_no_cors(path: str, root: str, allowed: bool) -> None:
    rules = ByPath({"/public/": PUBLIC, "/": OURS})

    assert rules.at(routed_path({"path": path, "root_path": root})).actual(EVIL, path) is not None
    answer = rules.actual(EVIL, routed_path({"path": path, "root_path": root}))
    assert answer is not None
    assert answer.allowed == allowed


@pytest.mark.filterwarnings("ignore:The `root_path` parameter is deprecated")  # and still in use
def test_s19_the_root_path_of_a_fastapi_application_counts_in_front_of_it() -> None:
    api = FastAPI(root_path="/api")
    api.get("/admin/x")(lambda: "secret")
    app = CORSMiddleware(api, ByPath({"/admin/": OURS, "/": PUBLIC}))

    response = ask_asgi(app, Request.actual(EVIL, "/api/admin/x"))

    assert (response.status, response.cors) == (200, {})


def test_s19_a_folder_that_is_called_root_path_is_no_part_of_the_path() -> None:
    class Quart:
        root_path = "/public"  # where its files are

        async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
            await asgi_api(scope, receive, send)

    app = CORSMiddleware(Quart(), ByPath({"/admin/": PUBLIC, "/": OURS}))

    assert ask_asgi(app, Request.actual(EVIL, "/public/admin/x")).cors == {}
