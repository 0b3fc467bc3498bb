"""The lab's server: who may ask it, what it says of policies and plays, and how it starts and ends."""

import asyncio
import http.client
import io
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from crossorigin import LEAVE, AnyOf, ByPath, Policy
from crossorigin.browser import Engine
from crossorigin.tools.lab import Lab, lab, running_lab
from crossorigin.tools.lab.bench import Bench
from crossorigin.tools.lab.grid import Grid, Row, print_grid, run_model
from crossorigin.tools.lab.plays import Asked, InputError, asked_of
from crossorigin.tools.lab.reading import as_text, read
from crossorigin.tools.lab.servers import host_at, listeners, port_of, serve
from crossorigin.tools.lab.site import engine_of, site
from crossorigin.tools.lab.situations import HOSTS, SITUATIONS
from crossorigin.tools.lab.stacks import STACKS, Stack
from crossorigin.tools.terminal import WrongUse
from examples import demo

REQUEST: dict[str, Any] = {
    "page": "app",
    "method": "PUT",
    "headers": [["Authorization", "Bearer x"]],
    "credentials": "include",
    "path": "/items",
}


# Each takes exponential time, or nearly, with the origins of the lab's pages.
SLOW = [
    "https?://(?:.|.|.)*!",
    "https?://(?:[a-z.:0-9]|[a-z.:0-9])*!",
    "(https?://)?(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)!",
    "https://(?:.|.|.)*!",  # of the same page over https, which the advice tries
    "http://(?:(?:.|.|.)*!|app.*)",  # allows one of the pages at once
]

# What no page can set, by name or by what it says; a browser drops them, and sends the rest.
FORBIDDEN = [
    ["Host", "evil.example"],
    ["Content-Length", "5"],
    ["Cookie", "a=b"],
    ["Origin", "https://evil.example"],
    ["Sec-Foo", "1"],
    ["Proxy-Foo", "1"],
    ["X-HTTP-Method-Override", "TRACE"],
]


def asks(**changes: Any) -> dict[str, Any]:
    """Return a plain GET, with *changes*."""
    return {"page": "app", "method": "GET", "headers": [], "credentials": "same-origin", "path": "/items", **changes}


class Page:
    """The lab's own page, as far as its server sees it."""

    def __init__(self, running: Lab) -> None:
        self.lab = running
        self.origin = running.address.rstrip("/")
        self.client = httpx.Client(base_url=self.origin, trust_env=False, timeout=30)
        self.html = self.client.get("/").text
        found = re.search(r'<script type="application/json" id="setup">(.*?)</script>', self.html, re.DOTALL)
        assert found is not None
        self.setup: dict[str, Any] = json.loads(found[1])
        self.headers = {"Origin": self.origin, "X-Lab-Token": self.setup["token"], "Content-Type": "application/json"}

    def post(self, path: str, data: Any, **headers: str | None) -> httpx.Response:
        changed = {name.replace("_", "-"): value for name, value in headers.items()}
        sent = {name: value for name, value in {**self.headers, **changed}.items() if value is not None}
        content = data if isinstance(data, bytes) else json.dumps(data).encode()
        return self.client.post(path, content=content, headers=sent)

    def prepare(self, policy: str, request: dict[str, Any], stacks: list[str]) -> Any:
        response = self.post("/api/prepare", {"policy": policy, "request": request, "stacks": stacks})
        assert response.status_code == 200, response.text
        return response.json()


@pytest.fixture(scope="module")
def running() -> Iterator[Lab]:
    with running_lab() as started:
        yield started


@pytest.fixture
def page(running: Lab) -> Iterator[Page]:
    opened = Page(running)
    yield opened
    opened.client.close()


def listening_here() -> set[tuple[str, int]]:
    """Return where this process listens, as Linux has it."""
    own = {target for fd in Path("/proc/self/fd").iterdir() if (target := link_of(fd)).startswith("socket:")}
    found = set()
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path("/proc/self/net", table).read_text(encoding="ascii").splitlines()[1:]:
            _, local, _, state, *_ = fields = line.split()
            host, _, port = local.partition(":")
            words = [bytes.fromhex(host[start : start + 8])[::-1] for start in range(0, len(host), 8)]
            if state == LISTENS and f"socket:[{fields[9]}]" in own:
                found.add((socket.inet_ntop(family, b"".join(words)), int(port, 16)))
    return found


def link_of(fd: Path) -> str:
    """Return what *fd* is; nothing if it is closed by now."""
    try:
        return str(fd.readlink())
    except OSError:
        return ""


LISTENS = "0A"  # the state of such sockets in Linux's tables


class _Known:
    address = "http://localhost:1/"


def as_browser(url: str, request: dict[str, Any], origin: str) -> httpx.Response:
    """Send the preflight and the request of REQUEST, as a browser does."""
    asks = {"Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "authorization"}
    with httpx.Client(trust_env=False, timeout=30) as client:
        client.request("OPTIONS", url, headers={"Origin": origin, **asks})
        return client.request("PUT", url, headers={"Origin": origin, **dict(request["headers"])})


def sent_as_it_is(url: str, method: str, origin: str) -> dict[str, Any]:
    """Send the preflight and a request with *method*, whose case httpx would change; return what a page gets."""
    headers = {"Origin": origin, "Access-Control-Request-Method": method}
    httpx.options(url, headers=headers, trust_env=False)
    host, path = url.removeprefix("http://").split("/", 1)
    connection = http.client.HTTPConnection(host, timeout=30)
    try:
        connection.request(method, f"/{path}", headers={"Origin": origin})
        response = connection.getresponse()
        headers = {name.lower(): value for name, value in response.getheaders()}
    finally:
        connection.close()
    if headers.get("access-control-allow-origin") != origin:
        return {"error": "TypeError"}
    return {"status": response.status, "headers": {"content-type": headers["content-type"]}}


class TestWhoMayAsk:
    def test_the_page_may(self, page: Page) -> None:
        assert page.post("/api/check", {"policy": 'allow_origins = ["*"]'}).json()["built"] is True

    @pytest.mark.parametrize(
        ("headers", "status"),
        [
            ({"Origin": "http://evil.example"}, 403),
            ({"Origin": "null"}, 403),
            ({"Origin": None}, 403),
            ({"Origin": "{evil}"}, 403),
            ({"X_Lab_Token": None}, 403),
            ({"X_Lab_Token": "guessed"}, 403),
            ({"X_Lab_Token": "\xfc"}, 403),
            ({"Content_Type": "text/plain"}, 415),
        ],
    )
    def test_nobody_else_posts(self, page: Page, headers: dict[str, str | None], status: int) -> None:
        origin = headers.get("Origin")
        changed = {**headers, "Origin": origin.format(**page.setup["pages"])} if origin else headers
        encoded: Any = {name: value and value.encode("latin-1") for name, value in changed.items()}

        response = page.post("/api/check", {"policy": ""}, **encoded)

        assert response.status_code == status
        assert response.text.count("\n") == 1
        assert not [name for name in response.headers if name.startswith("access-control")]

    @pytest.mark.parametrize("path", ["/", "/frame", "/files/lab.css", "/api/check", "/none"])
    @pytest.mark.parametrize("host", ["evil.example", "lab.evil.example:{port}", "localhost", "localhost:1", ""])
    def test_no_other_name_is_served(self, page: Page, path: str, host: str) -> None:
        response = page.client.get(path, headers={"Host": host.format(port=page.origin.rpartition(":")[2])})

        assert response.status_code == 421
        assert page.setup["token"] not in response.text

    @pytest.mark.parametrize("word", ["app", "evil", "other", "port"])
    def test_a_frames_origin_gets_the_frame_and_not_the_page(self, page: Page, word: str) -> None:
        host = page.setup["pages"][word].removeprefix("http://")

        got = page.client.get("/", headers={"Host": host})
        posted = page.post("/api/check", {"policy": ""}, Host=host, Origin=f"http://{host}")

        assert (got.status_code, posted.status_code) == (404, 403)
        assert page.setup["token"] not in got.text
        assert page.client.get("/frame", headers={"Host": host}).status_code == 200

    def test_what_the_page_and_a_frame_may_load_is_locked(self, page: Page) -> None:
        port = page.origin.rpartition(":")[2]
        own = page.client.get("/").headers["content-security-policy"]
        frame = page.client.get("/frame").headers["content-security-policy"]

        assert own.startswith("default-src 'none'")
        assert "frame-ancestors 'none'" in own
        assert "connect-src 'self';" in own
        assert "unsafe" not in own + frame
        stacks = " ".join(page.lab.bench.addresses.values())
        assert f"connect-src {stacks};" in frame
        assert frame.endswith(f"frame-ancestors http://localhost:{port} http://127.0.0.1:{port}")

    def test_the_page_asks_for_nothing_from_elsewhere(self, page: Page) -> None:
        for name in ("main.js", "frame.js", "lab.css", "icon.svg"):
            text = page.client.get(f"/files/{name}").text
            assert text
            assert set(re.findall(r"https?://[\w.]+", text)) <= {"http://www.w3.org"}, name
        assert "http" not in re.sub(r"<script type=.*?</script>", "", page.html, flags=re.DOTALL).replace(
            "https://", ""
        )

    @pytest.mark.parametrize("name", ["index.html", "none.js", "..%2Fsite.py", "%2e%2e/site.py", ".js", ""])
    def test_only_the_pages_files_are_there(self, page: Page, name: str) -> None:
        assert page.client.get(f"/files/{name}").status_code == 404

    def test_a_policy_cannot_end_the_script_that_holds_it(self) -> None:
        with running_lab("# </script><script>alert(1)</script>") as started:
            opened = Page(started)
            opened.client.close()
        assert opened.setup["policy"] == "# </script><script>alert(1)</script>"
        assert "alert(1)</script>" not in opened.html

    def test_it_listens_on_loopback_alone(self, running: Lab) -> None:
        addresses = [running.address, *running.bench.addresses.values()]
        ports = {int(address.rstrip("/").rpartition(":")[2]) for address in addresses}

        listening = {(host, port) for host, port in listening_here() if port in ports}

        assert {port for _, port in listening} == ports
        assert {host for host, _ in listening} <= {"127.0.0.1", "::1"}

    def test_the_port_of_http_itself_is_left_out_as_browsers_do(self) -> None:
        bench = Bench("", {word: f"http://{host_at(host, 80)}" for word, (host, _) in HOSTS.items()})

        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(site(bench, 80, 8080))
            async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
                return await client.get("/")

        response = asyncio.run(ask())

        assert response.status_code == 200
        assert "frame-src http://app.localhost http://evil.localhost" in response.headers["content-security-policy"]


class TestBadInput:
    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 50_000])
    def test_what_is_no_json_object(self, page: Page, content: bytes) -> None:
        response = page.post("/api/check", content)

        assert (response.status_code, response.text.count("\n")) == (400, 1)

    def test_too_much(self, page: Page) -> None:
        assert page.post("/api/check", {"policy": "x" * 200_000}).status_code == 413
        assert "longer than" in page.post("/api/check", {"policy": "x" * 30_000}).text

    @pytest.mark.parametrize(
        ("changes", "said"),
        [
            ({"policy": 1}, "policy is text"),
            ({"stacks": []}, "stacks is a list"),
            ({"stacks": ["asgi", "none"]}, "the stacks are asgi"),
            ({"stacks": [["asgi"]]}, "stacks is a list"),
            ({"stacks": ["asgi", "wsgi", "asgi"]}, "each stack plays once"),
            ({"stacks": ["asgi"] * 2000}, "each stack plays once"),
            ({"request": {**REQUEST, "path": "/\ud800"}}, "a path begins"),
            ({"request": {**REQUEST, "path": "/%zz"}}, "a path begins"),
            ({"request": {**REQUEST, "path": "/a b"}}, "a path begins"),
            ({"request": {**REQUEST, "path": "/items\n"}}, "a path begins"),
            ({"request": {**REQUEST, "path": "/" + "a" * 500}}, "a path begins"),
            ({"request": {**REQUEST, "method": "A" * 101}}, "a method has at most"),
            ({"request": {**REQUEST, "method": "\udfff"}}, "a method has at most"),
            ({"request": {**REQUEST, "headers": [["X-A", "1"]] * 31}}, "at most 30 headers"),
            ({"request": {**REQUEST, "headers": [["X-A", "1" * 2000]]}}, "at most 30 headers"),
            ({"request": {**REQUEST, "headers": [["X-A", "\ud800"]]}}, "without lone surrogates"),
            ({"request": None}, "a request has"),
            ({"request": {**REQUEST, "page": "nowhere"}}, "the pages are"),
            ({"request": {**REQUEST, "headers": [["A"]]}}, "a request has"),
            ({"request": {**REQUEST, "credentials": "all"}}, "credentials are"),
            ({"request": {**REQUEST, "path": "//evil.example/"}}, "a path begins"),
            ({"request": {**REQUEST, "path": "@evil.example/"}}, "a path begins"),
            ({"request": {**REQUEST, "path": "/items?x"}}, "a path begins"),
        ],
    )
    def test_what_makes_no_play(self, page: Page, changes: dict[str, Any], said: str) -> None:
        data = {"policy": 'allow_origins = ["*"]', "stacks": ["asgi"], "request": REQUEST, **changes}

        response = page.post("/api/prepare", data)

        assert response.status_code == 400
        assert said in response.text

    def test_half_a_surrogate_pair_in_a_report_comes_back(self, page: Page) -> None:
        play = page.prepare('allow_origins = ["*"]\n', asks(page="app"), ["asgi"])["plays"][0]

        response = page.post("/api/report", {"id": play["id"], "outcome": {"error": "\ud800"}})

        assert response.status_code == 200
        assert "\\ud800" in response.text

    @pytest.mark.parametrize("data", [{}, {"id": "none"}, {"id": ["x"], "outcome": {}}])
    def test_a_report_of_nothing(self, page: Page, data: dict[str, Any]) -> None:
        response = page.post("/api/report", data)

        assert (response.status_code, response.text) == (400, "there is no such play: press fetch again.\n")

    @pytest.mark.parametrize("outcome", [None, {}, {"status": "200", "headers": {}}, {"status": 200}, {"error": 1}])
    def test_a_report_of_no_outcome(self, page: Page, outcome: object) -> None:
        play = page.prepare('allow_origins = ["*"]', REQUEST, ["asgi"])["plays"][0]

        response = page.post("/api/report", {"id": play["id"], "outcome": outcome})

        assert (response.status_code, response.text) == (400, "an outcome has a status and headers, or an error.\n")

    @pytest.mark.parametrize(
        "changes",
        [{"method": "CONNECT"}, {"method": "a b"}, {"headers": [["A B", "1"]]}, {"headers": [["X-A", "\u20ac"]]}],
    )
    def test_what_no_page_can_ask_for_is_agreed_on(self, page: Page, changes: dict[str, Any]) -> None:
        play = page.prepare('allow_origins = ["*"]', {**REQUEST, **changes}, ["wsgi"])["plays"][0]
        report = page.post("/api/report", {"id": play["id"], "outcome": {"error": "TypeError"}}).json()

        assert (play["code"], play["allowed"]) == ("request-impossible", False)
        assert report == {"seen": [], "disagreements": []}


class TestReading:
    def test_every_problem_has_its_line_and_fix(self, page: Page) -> None:
        told = page.post("/api/check", {"policy": '# mine\nallow_origins = ["a.example"]\nallow_methods = ["put"]'})

        problems = told.json()["problems"]
        assert [problem["where"] for problem in problems] == ["line 2, allow_origins[0]", "line 3, allow_methods[0]"]
        assert [problem["code"] for problem in problems] == ["origin-scheme-missing", "method-case"]
        assert "'https://a.example'" in problems[0]["message"]

    def test_a_warning_does_not_stop_a_policy(self) -> None:
        reading = read('{"allow_origins": "https://a.example", "allow_methods": ["GET"]}')

        assert reading.rules == Policy("https://a.example", allow_methods=["GET"])
        assert [(problem.severity, problem.code) for problem in reading.problems] == [
            ("warning", "method-always-passes")
        ]

    @pytest.mark.parametrize("expression", SLOW)
    def test_an_expression_that_could_stop_the_lab_is_not_put_in_force(
        self, page: Page, running: Lab, monkeypatch: pytest.MonkeyPatch, expression: str
    ) -> None:
        monkeypatch.setattr("crossorigin.tools.trial.SECONDS", 1)
        before = running.bench.rules.rules

        told = page.prepare(f"allow_origins = [{{ regex = '{expression}' }}]", asks(), ["asgi"])

        assert (told["built"], told["plays"]) == (False, [])
        assert told["held"].startswith("The lab does not put this policy in force: ")
        assert told["held"].count(".") == 1
        assert running.bench.rules.rules is before
        assert page.client.get("/").status_code == 200

    @pytest.mark.parametrize(
        "text",
        [
            # with credentials it is matched as soon as it is built, of a key that is escaped, and behind a path
            f"allow_credentials = true\nallow_origins = [{{ regex = '{SLOW[0]}' }}]",
            '{"allow_origins": [{"\\u0072egex": "' + SLOW[0] + '"}]}',
            f"[policies.a]\nallow_origins = [{{ regex = '{SLOW[0]}' }}]\n[paths]\n'/none' = 'a'\n",
            f"[policies.a]\nallow_origins = [{{ regex = '{SLOW[0]}' }}]\n[any-of]\nx = ['a']\n[paths]\n'/' = 'x'\n",
        ],
    )
    def test_it_is_held_wherever_it_stands_and_before_it_is_built(
        self, page: Page, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setattr("crossorigin.tools.trial.SECONDS", 1)
        told = page.post("/api/check", {"policy": text}).json()

        assert told["held"]
        assert told["built"] is False

    def test_an_expression_that_is_matched_in_time_is_put_in_force(self, page: Page) -> None:
        policy = "allow_origins = [{ regex = 'http://([a-z]+\\.)+localhost:[0-9]+' }]"

        told = page.prepare(policy, asks(), ["asgi"])

        assert (told["built"], told["held"], told["plays"][0]["code"]) == (True, "", "allowed")
        assert [problem["code"] for problem in told["problems"]] == ["regex-nested-quantifier"]

    def test_a_policy_that_is_longer_than_a_link_may_bring_is_read_if_the_lab_was_started_with_it(self) -> None:
        text = "".join(f'"https://{number}.example.com",\n' for number in range(1500))
        with running_lab(f"allow_origins = [{text}]\n") as started:
            opened = Page(started)
            told = opened.post("/api/check", {"policy": f"{opened.setup['policy']}\nmax_age = 5\n"}).json()
            opened.client.close()

        assert (told["built"], told["problems"]) == (True, [])

    @pytest.mark.parametrize("text", ["", "{", "allow_origins = [", "[" * 10_000, "\x00", "\ud800", "a = 1"])
    def test_what_is_no_policy_is_a_problem(self, text: str) -> None:
        reading = read(text)

        assert reading.rules is None
        assert reading.problems
        assert "lab-" not in reading.problems[0].message  # no word of where the text was put

    @pytest.mark.parametrize(
        "rules",
        [
            Policy("https://a.example", allow_credentials=True, max_age=None),
            Policy(re.compile(r"https://[a-z]+\.example"), allow_headers=["*", "Authorization"]),
            ByPath({"/public/": Policy("*"), "/old": LEAVE, "/none": None, "/": Policy("https://a.example")}),
            ByPath({"/a": AnyOf(Policy("https://a.example"), Policy("*"))}, default=Policy("https://b.example")),
            AnyOf(Policy("https://a.example", allow_credentials=True), Policy("*")),
            ByPath(
                {"/\U0001f600": Policy("https://a.example"), "/\x7f": Policy("*"), "/": Policy("https://c.example")}
            ),
            ByPath({"/": Policy("https://a.example"), "/x": Policy("*")}, default=Policy("https://b.example")),
        ],
    )
    def test_rules_become_text_and_rules_again(self, rules: Any) -> None:
        again = read(as_text(rules)).rules

        assert again is not None
        for path in ("/", "/public/x", "/old", "/none", "/a", "/b", "/\U0001f600", "/\x7f"):
            for origin in ("https://a.example", "https://b.example", "https://c.example"):
                expected = rules.preflight(origin, path, "PUT", ["authorization"])
                answer = again.preflight(origin, path, "PUT", ["authorization"])
                assert (answer and answer[:2]) == (expected and expected[:2]), (origin, path)
                assert (answer and (answer.headers, answer.vary)) == (expected and (expected.headers, expected.vary))

    def test_no_temporary_directory_is_needed(self, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
        monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))

        assert read('allow_origins = ["*"]').rules == Policy("*")

    def test_code_does_not_become_text(self) -> None:
        with pytest.raises(TypeError, match="allow_origin_check"):
            as_text(Policy([], allow_origin_check=lambda origin: True))


class TestPlays:
    POLICY = 'allow_origins = ["{app}"]\nallow_credentials = true\nallow_methods = ["PUT"]\n'
    ALLOWS = POLICY + 'allow_headers = ["Authorization"]\n'

    def policy(self, page: Page, text: str) -> str:
        return text.replace("{app}", page.setup["pages"]["app"])

    @pytest.mark.parametrize("stack", [one.key for one in STACKS])
    def test_all_three_agree_on_every_stack(self, page: Page, stack: str) -> None:
        told = page.prepare(self.policy(page, self.ALLOWS), REQUEST, [stack])
        play = told["plays"][0]
        got = as_browser(play["url"], REQUEST, page.setup["pages"]["app"])
        visible = {"content-type": got.headers["content-type"]}
        report = page.post("/api/report", {"id": play["id"], "outcome": {"status": 200, "headers": visible}}).json()

        assert (play["allowed"], play["declared"]["allowed"]) == (True, True)
        assert report["disagreements"] == []
        assert [(one["method"], one["status"]) for one in report["seen"]] == [("OPTIONS", 204), ("PUT", 200)]
        assert ["Access-Control-Allow-Origin", page.setup["pages"]["app"]] in report["seen"][1]["response"]

    def test_a_refusal_comes_with_its_reason_and_a_change(self, page: Page) -> None:
        play = page.prepare(self.policy(page, self.POLICY), REQUEST, ["aiohttp"])["plays"][0]

        assert (play["code"], play["declared"]["reason"]) == ("header-not-allowed", "headers-not-allowed")
        assert play["declared"]["advice"] == ["add 'Authorization' to allow_headers"]

    def test_a_browser_that_does_otherwise_is_told_of(self, page: Page) -> None:
        policy = self.policy(page, self.POLICY)
        play = page.prepare(policy, REQUEST, ["asgi"])["plays"][0]
        as_browser(play["url"], REQUEST, page.setup["pages"]["app"])

        found = page.post("/api/report", {"id": play["id"], "outcome": {"status": 200, "headers": {}}}).json()

        first, second = found["disagreements"]
        assert first == "the model blocks it (header-not-allowed), and this browser gave the page the response"
        assert "and the server saw OPTIONS PUT authorization, PUT" in second

    @pytest.mark.parametrize(
        ("outcome", "said"),
        [
            ({"error": "TypeError: x"}, "this browser blocked it: TypeError: x"),
            ({"status": 500, "headers": {"content-type": "text/plain; charset=utf-8"}}, "status 200, this browser 500"),
            ({"status": 200, "headers": {"ETag": '"1"'}}, "this browser ['etag']"),
        ],
    )
    def test_every_kind_of_difference_is_seen(self, page: Page, outcome: dict[str, Any], said: str) -> None:
        play = page.prepare(self.policy(page, self.ALLOWS), REQUEST, ["kui"])["plays"][0]
        as_browser(play["url"], REQUEST, page.setup["pages"]["app"])

        found = page.post("/api/report", {"id": play["id"], "outcome": outcome}).json()["disagreements"]

        assert len(found) == 1
        assert said in found[0]

    @pytest.mark.parametrize("header", FORBIDDEN)
    def test_what_a_browser_drops_the_model_drops_too(self, page: Page, header: list[str]) -> None:
        request = asks(headers=[header, ["X-A", "1"]])
        policy = self.policy(page, 'allow_origins = ["{app}"]\nallow_headers = ["X-A"]\n')

        play = page.prepare(policy, request, ["asgi"])["plays"][0]
        with httpx.Client(trust_env=False, headers={"Origin": page.setup["pages"]["app"]}) as client:
            asked = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "x-a"}
            client.options(play["url"], headers=asked)
            client.get(play["url"], headers={"X-A": "1"})
        headers = {"content-type": "text/plain; charset=utf-8"}
        report = page.post("/api/report", {"id": play["id"], "outcome": {"status": 200, "headers": headers}}).json()

        assert (play["code"], play["allowed"], play["dropped"]) == ("allowed", True, [header[0]])
        assert report["disagreements"] == []

    @pytest.mark.parametrize("stack", [one.key for one in STACKS])
    def test_each_of_two_pages_plays_under_its_own_policy(self, page: Page, stack: str) -> None:
        play = page.prepare(self.policy(page, self.ALLOWS), REQUEST, [stack])["plays"][0]
        other = page.prepare('allow_origins = ["https://a.example"]', REQUEST, [stack])["plays"][0]
        outcome = {"status": 200, "headers": {"content-type": "text/plain; charset=utf-8"}}
        allowed = as_browser(play["url"], REQUEST, page.setup["pages"]["app"])
        refused = as_browser(other["url"], REQUEST, page.setup["pages"]["app"])

        report = page.post("/api/report", {"id": play["id"], "outcome": {**outcome}}).json()

        assert (play["allowed"], other["allowed"]) == (True, False)
        assert "access-control-allow-origin" in allowed.headers
        assert "access-control-allow-origin" not in refused.headers
        assert report["disagreements"] == []

    def test_a_redirect_is_judged_by_the_policy_of_each_path_on_its_way(self, page: Page) -> None:
        policy = '[policies.a]\nallow_origins = ["*"]\n[paths]\n"/moved" = "a"\n'

        play = page.prepare(policy, asks(path="/moved"), ["asgi"])["plays"][0]
        httpx.get(play["url"], headers={"Origin": page.setup["pages"]["app"]}, trust_env=False, follow_redirects=True)
        report = page.post("/api/report", {"id": play["id"], "outcome": {"error": "TypeError"}}).json()

        assert (play["allowed"], play["declared"]["reason"]) == (False, "path-uncovered")
        assert play["declared"]["advice"] == ["give ByPath a rule for /items, or a default"]
        assert report["disagreements"] == []

    @pytest.mark.parametrize("method", ["FOO", "Patch", "patch"])
    @pytest.mark.parametrize("stack", [one.key for one in STACKS])
    def test_a_server_that_does_not_take_a_method_is_no_disagreement(
        self, page: Page, running: Lab, stack: str, method: str
    ) -> None:
        policy = self.policy(page, 'allow_origins = ["{app}"]\nallow_methods = ["*"]\n')
        origin = page.setup["pages"]["app"]

        play = page.prepare(policy, asks(method=method), [stack])["plays"][0]
        outcome = sent_as_it_is(play["url"], method, origin)
        report = page.post("/api/report", {"id": play["id"], "outcome": outcome}).json()

        assert report["disagreements"] == []
        assert play["refused"] is ("error" in outcome)
        assert play["declared"]["allowed"] is True
        refuses = {"aiohttp": {"FOO", "Patch", "patch"}, "wsgi": {"Patch", "patch"}}
        assert play["refused"] is (method in refuses.get(stack, ()))

    def test_a_stack_that_does_not_do_what_the_policy_says_is_told_of(
        self, page: Page, running: Lab, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running.bench.rules, "actual", lambda origin, path="/": None)
        policy = self.policy(page, 'allow_origins = ["{app}"]')

        play = page.prepare(policy, asks(), ["wsgi"])["plays"][0]
        httpx.get(play["url"], headers={"Origin": page.setup["pages"]["app"]}, trust_env=False)
        report = page.post("/api/report", {"id": play["id"], "outcome": {"error": "TypeError"}}).json()

        assert (play["allowed"], play["declared"]["allowed"]) == (False, True)
        assert report["disagreements"] == ["the stack does not do what the policy says"]

    def test_a_policy_that_cannot_be_built_changes_nothing(self, page: Page, running: Lab) -> None:
        before = running.bench.rules.rules

        told = page.prepare('allow_origins = ["*"]\nallow_credentials = true', REQUEST, ["asgi"])

        assert (told["built"], told["plays"]) == (False, [])
        assert [problem["code"] for problem in told["problems"]] == ["any-origin-with-credentials"]
        assert running.bench.rules.rules is before

    def test_the_model_is_that_of_the_browser_that_asks(self, page: Page) -> None:
        agents = {
            "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": Engine.FIREFOX,
            "Mozilla/5.0 (X11) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15": Engine.WEBKIT,
            "curl/8": Engine.STANDARD,
        }
        assert {agent: engine_of(agent) for agent in agents} == agents
        situation = next(one for one in SITUATIONS if one.key == "star-token")
        policy = self.policy(page, situation.policy)
        data = {"policy": policy, "request": situation.request(), "stacks": ["asgi"]}

        codes = [page.post("/api/prepare", data, User_Agent=agent).json()["plays"][0]["code"] for agent in agents]

        assert codes == ["allowed", "allowed", "authorization-wildcard"]

    def test_ids_are_not_remembered_for_ever(self, page: Page, running: Lab) -> None:
        journal, url = running.bench.journal, running.bench.addresses["asgi"]
        journal.expect("first")
        with httpx.Client(base_url=url, trust_env=False) as client:
            client.get("/items?lab=first")
            assert len(journal.of("first")) == 1
            for number in range(1000):
                journal.expect(f"flood-{number}")
            for _ in range(40):
                client.get("/items?lab=flood-999")
        assert journal.of("first") == []
        assert len(journal.of("flood-999")) == 30

    @pytest.mark.parametrize("stack", [one.key for one in STACKS])
    def test_ids_that_were_not_handed_out_are_not_noted(self, page: Page, running: Lab, stack: str) -> None:
        url = page.prepare('allow_origins = ["*"]', asks(), [stack])["plays"][0]["url"]

        httpx.get(f"{url}-guessed", trust_env=False)
        httpx.get(url, trust_env=False)

        identity = url.partition("lab=")[2]
        assert [len(running.bench.journal.of(one)) for one in (f"{identity}-guessed", identity)] == [0, 1]


class TestRunAll:
    def test_the_model_agrees_with_every_policy_on_every_stack(self, running: Lab) -> None:
        grid = running.run(run_model(running.bench))

        assert [row for row in grid.rows if row.wrong] == []
        assert grid.agreed
        assert all(len(row.cells) == len(STACKS) for row in grid.rows)

    def test_a_stack_that_does_otherwise_is_told_of(self, running: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
        addresses = {"asgi": running.bench.addresses["asgi"], "wsgi": "http://127.0.0.1:1"}
        monkeypatch.setattr(running.bench, "addresses", addresses)

        grid = running.run(run_model(running.bench))

        assert not grid.agreed
        assert {why.partition(":")[0] for row in grid.rows for why in row.wrong} == {"wsgi"}
        assert all(row.wrong for row in grid.rows if row.cells["asgi"] != "unbuilt")

    @pytest.mark.parametrize(("key", "expects"), [("works", "method-case"), ("slash", "origin-query")])
    def test_what_ends_otherwise_than_the_situation_says_is_told_of(
        self, running: Lab, monkeypatch: pytest.MonkeyPatch, key: str, expects: str
    ) -> None:
        situation = next(one for one in running.bench.situations if one.key == key)
        monkeypatch.setattr(running.bench, "situations", (replace(situation, expects=expects),))

        grid = running.run(run_model(running.bench))

        assert all(why.endswith(f"instead of {expects}") for why in grid.rows[0].wrong)
        assert not grid.agreed

    def test_a_narrow_terminal_gets_a_line_for_each_situation(self) -> None:
        rows = [Row(one.name, {stack.key: "blocked" for stack in STACKS}) for one in SITUATIONS]
        printed = io.StringIO()

        print_grid(Console(file=printed, width=40), Grid("Chromium", [*rows, Row("odd", {"asgi": "200"}, ("x",))]))

        lines = printed.getvalue().splitlines()
        assert lines[2 : len(rows) + 3] == [*(f"agreed {row.name}" for row in rows), "DIFFERS odd"]

    def test_a_stream_that_lacks_characters_gets_the_grid_all_the_same(self) -> None:
        written = io.BytesIO()
        printed = io.TextIOWrapper(written, encoding="ascii", write_through=True)

        print_grid(Console(file=printed, width=80), Grid("nobody", [Row("with an ü", {"asgi": "200"})]))

        assert b"with an \\xfc" in written.getvalue()

    @pytest.mark.parametrize("width", [80, 140])
    def test_the_grid_fits_the_terminal(self, width: int) -> None:
        rows = [Row(one.name, {stack.key: "blocked" for stack in STACKS}) for one in SITUATIONS]
        printed = io.StringIO()

        print_grid(Console(file=printed, width=width), Grid("Chromium", [*rows, Row("odd", {"asgi": "200"}, ("x",))]))

        lines = printed.getvalue().splitlines()
        assert len(lines) == len(rows) + 7  # a line each
        assert max(map(len, lines)) <= width
        assert "21 of 22 situations agree" in lines[-1]
        assert not Grid("nobody").agreed

    def test_the_grid_of_a_page_is_read_from_its_results(self) -> None:
        cells = {
            "asgi": {"outcome": "200", "disagreements": []},
            "wsgi": {"outcome": "blocked", "disagreements": ["the server saw nothing"]},
        }

        grid = Grid.of({"engine": "Firefox", "rows": [{"name": "odd", "cells": cells}]})

        assert grid.rows == [Row("odd", {"asgi": "200", "wsgi": "blocked"}, ("wsgi: the server saw nothing",))]
        assert not grid.agreed

    def test_every_situation_has_a_key_and_a_lesson(self) -> None:
        assert len({one.key for one in SITUATIONS}) == len({one.name for one in SITUATIONS}) == len(SITUATIONS)
        assert all(one.lesson.endswith(".") for one in SITUATIONS)
        for one in SITUATIONS:
            asked_of(one)

    def test_a_policy_of_ones_own_is_in_force_throughout(self, running: Lab) -> None:
        grid = running.run(run_model(running.bench, 'allow_origins = ["http://*.localhost:*"]\n'))

        assert grid.agreed
        assert len({row.name for row in grid.rows}) == len(grid.rows) > 10
        words = {row.name: set(row.cells.values()) for row in grid.rows}
        assert (words["evil: GET /items"], words["sandbox: GET /items"]) == ({"200"}, {"blocked"})


class TestStacks:
    @pytest.mark.parametrize("stack", [one.key for one in STACKS])
    @pytest.mark.parametrize(
        ("host", "status"),
        [
            ("localhost", 200),
            ("evil.localhost:1", 200),
            ("evil.example", 421),
            ("", 421),
            ("lab.localhost.example", 421),
        ],
    )
    def test_a_stack_answers_to_the_labs_names_alone(self, page: Page, stack: str, host: str, status: int) -> None:
        url = page.prepare('allow_origins = ["*"]', asks(), [stack])["plays"][0]["url"]

        response = httpx.get(url, headers={"Host": host}, trust_env=False)

        assert response.status_code == status
        assert ("one, two" in response.text) == (status == 200)

    @pytest.mark.parametrize("stack", [one.key for one in STACKS])
    @pytest.mark.parametrize(
        ("origin", "status"),
        [("null", 200), ("http://localhost:3000", 200), ("https://a.example", 421), ("https://localhost", 421)],
    )
    def test_a_stack_answers_to_the_labs_pages_alone(self, page: Page, stack: str, origin: str, status: int) -> None:
        url = page.prepare('allow_origins = ["*"]', asks(), [stack])["plays"][0]["url"]

        assert httpx.get(url, headers={"Origin": origin}, trust_env=False).status_code == status

    def test_a_framework_that_does_not_import_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def build(stack: Stack, *given: Any) -> Any:
            if stack.key == "kui":
                raise ImportError("cannot import name 'x'")
            return import_module(f"crossorigin.tools.lab.stacks.{stack.key}").build(*given)

        monkeypatch.setattr(Stack, "build", build)

        with running_lab() as started:
            opened = Page(started)
            opened.client.close()
            grid = started.run(run_model(started.bench))

        shown = {one["key"]: (one["missing"], one["address"] is None) for one in opened.setup["stacks"]}
        assert shown["kui"] == ("does not start: ImportError: cannot import name 'x'", True)
        assert shown["asgi"] == (None, False)
        assert grid.agreed

    def test_a_framework_that_is_not_installed_is_shown(self, monkeypatch: pytest.MonkeyPatch) -> None:
        absent = Stack("kui", "a_framework_that_nobody_has", "asgi")
        assert absent.missing == "not installed: pip install a_framework_that_nobody_has"
        monkeypatch.setattr("crossorigin.tools.lab.running.STACKS", (STACKS[0], absent))
        monkeypatch.setattr("crossorigin.tools.lab.bench.STACKS", (STACKS[0], absent))

        with running_lab() as started:
            opened = Page(started)
            opened.client.close()

        assert [(one["key"], one["address"] is None) for one in opened.setup["stacks"]] == [
            ("asgi", False),
            ("kui", True),
        ]

    @pytest.mark.parametrize("stack", [one.key for one in STACKS])
    def test_a_page_that_names_its_own_browser_gets_what_the_policy_says(self, page: Page, stack: str) -> None:
        policy = f'allow_origins = ["{page.setup["pages"]["app"]}"]\nallow_headers = ["User-Agent"]\n'

        play = page.prepare(policy, asks(headers=[["User-Agent", "mine"]]), [stack])["plays"][0]

        assert (play["code"], play["refused"]) == ("allowed", False)

    def test_what_is_missing_is_replaced_by_what_is_there(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Without FastAPI there is Starlette, without waitress the server of the standard library."""
        monkeypatch.setattr("crossorigin.tools.lab.servers.find_spec", lambda name: None)
        monkeypatch.setattr("crossorigin.tools.lab.stacks.find_spec", lambda name: name != "fastapi" or None)
        monkeypatch.setattr("crossorigin.tools.lab.stacks.starlette.find_spec", lambda name: None)
        assert STACKS[1].label == "Starlette"

        with running_lab() as started:
            grid = started.run(run_model(started.bench))

        assert grid.agreed, [row for row in grid.rows if row.wrong]

    def test_a_stack_that_does_not_start_ends_the_lab(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def fails(kind: str, app: Any) -> Any:
            if kind == "aiohttp":
                raise RuntimeError("it does not start")
            return serve(kind, app)

        monkeypatch.setattr("crossorigin.tools.lab.running.serve", fails)

        with pytest.raises(RuntimeError, match="it does not start"), running_lab():
            pytest.fail("the lab runs")


class TestCommand:
    """`lab`, as the command line calls it."""

    @pytest.fixture
    def call(self) -> Callable[..., tuple[int, str]]:
        def called(source: str | None = None, *, port: int = 0, once: bool = True) -> tuple[int, str]:
            printed = io.StringIO()
            status = lab(source, port=port, once=once, open_browser=False, console=Console(file=printed, width=100))
            return status, printed.getvalue()

        return called

    def test_once_prints_the_grid_and_ends(self, call: Callable[..., tuple[int, str]]) -> None:
        status, printed = call()

        assert status == 0
        assert f"{len(SITUATIONS)} of {len(SITUATIONS)} situations agree on all 5 stacks." in printed

    def test_once_prints_the_grid_for_machines(self, tmp_path: Path) -> None:
        printed, refused = io.StringIO(), io.StringIO()
        file = tmp_path / "crossorigin.toml"
        file.write_text('allow_origins = ["app.example.com"]', encoding="utf-8")

        status = lab(None, port=0, once=True, open_browser=False, console=Console(file=printed), as_json=True)
        wrong = lab(str(file), port=0, once=True, open_browser=False, console=Console(file=refused), as_json=True)

        grid = json.loads(printed.getvalue())
        assert (status, grid["agreed"], len(grid["rows"])) == (0, True, len(SITUATIONS))
        assert set(grid["rows"][0]["cells"]) == {stack.key for stack in STACKS}
        assert wrong == 1
        assert "'app.example.com'" in json.loads(refused.getvalue())["problems"][0]

    def test_once_plays_the_policy_of_the_file(
        self, call: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        played: list[str | None] = []

        def noted(bench: Any, policy: str | None) -> Any:
            played.append(policy)
            return run_model(bench, policy)

        monkeypatch.setattr("crossorigin.tools.lab.run_model", noted)
        file = tmp_path / "crossorigin.toml"
        file.write_text('allow_origins = ["*"]\n', encoding="utf-8")

        status, printed = call(str(file))

        assert (status, played) == (0, ['allow_origins = ["*"]\n'])
        assert "sandbox: GET /items" in printed

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ('allow_origins = ["app.example.com"]', "line 1, allow_origins[0]: 'app.example.com'"),
            ("", "the text: "),
            (f"allow_origins = [{{ regex = '{SLOW[0]}' }}]", "The lab does not put this policy in force"),
        ],
    )
    def test_once_ends_with_the_problems_of_a_file_that_cannot_be_played(
        self, call: Callable[..., tuple[int, str]], tmp_path: Path, text: str, said: str
    ) -> None:
        file = tmp_path / "crossorigin.toml"
        file.write_text(text, encoding="utf-8")

        status, printed = call(str(file))

        assert status == 1
        assert said in printed
        assert "agree" not in printed

    def test_a_port_in_use_is_one_sentence(self, call: Callable[..., tuple[int, str]]) -> None:
        taken, *others = listeners(0)
        try:
            with pytest.raises(WrongUse, match=rf"^the lab cannot have port {port_of(taken)} of loopback \(.*\): name"):
                call(port=port_of(taken))
        finally:
            for listener in (taken, *others):
                listener.close()

    def test_the_port_asked_for_is_taken_over_ipv6_too(self) -> None:
        first, *others = listeners(0)
        port = port_of(first)
        first.close()
        if others:
            with others[0], pytest.raises(OSError, match="in use"):
                listeners(port)

    @pytest.mark.parametrize("port", [1, 6000, 10080])
    def test_a_port_that_browsers_do_not_ask_is_refused(self, call: Callable[..., tuple[int, str]], port: int) -> None:
        with pytest.raises(WrongUse, match=f"^no browser asks port {port}, which"):
            call(port=port)

    def test_a_port_that_is_none(self, call: Callable[..., tuple[int, str]]) -> None:
        with pytest.raises(WrongUse, match="a port is a number"):
            call(port=70_000)

    def test_a_file_is_shown_as_it_stands_with_its_mistakes(
        self, call: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[str | None] = []

        def noted(policy: str | None, port: int) -> Any:
            shown.append(policy)
            return running_lab(policy, port)

        monkeypatch.setattr("crossorigin.tools.lab.running_lab", noted)
        file = tmp_path / "crossorigin.toml"
        file.write_text('# mine\nallow_origins = ["app.example.com"]\n', encoding="utf-8")
        monkeypatch.chdir(tmp_path)
        (tmp_path / "labapp.py").write_text("from crossorigin import Policy\np = Policy('*')\n", encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

        monkeypatch.setattr("crossorigin.tools.lab.wait_for_interrupt", lambda: None)

        assert (call(str(file), once=False)[0], call("labapp:p", once=False)[0]) == (0, 0)
        assert shown == ['# mine\nallow_origins = ["app.example.com"]\n', 'allow_origins = ["*"]\n']

    @pytest.mark.parametrize(
        "source",
        [
            "none.toml",
            "bad.toml",
            "bad.json",
            "https://api.example.com/items.json",
            "labcode:p",
            "labcode:none",
            "no_such_module:p",
        ],
    )
    def test_a_source_that_cannot_be_shown_is_one_sentence(
        self, call: Callable[..., tuple[int, str]], source: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        (tmp_path / "bad.toml").write_bytes(b"\xff\xfe")
        (tmp_path / "bad.json").write_text("allow_origins = []", encoding="utf-8")
        code = "from crossorigin import Policy\np = Policy([], allow_origin_check=lambda origin: True)\n"
        (tmp_path / "labcode.py").write_text(code, encoding="utf-8")
        monkeypatch.syspath_prepend(tmp_path)

        with pytest.raises(WrongUse) as raised:
            call(source)

        assert "\n" not in str(raised.value)
        assert source in str(raised.value) or source.partition(":")[0] in str(raised.value)
        assert ("cannot be read" in str(raised.value)) is (source == "none.toml")

    def test_the_policy_file_of_the_folder_is_the_one_that_is_not_named(
        self, call: Callable[..., tuple[int, str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        shown: list[str | None] = []

        def noted(policy: str | None, port: int) -> Any:
            shown.append(policy)
            return nullcontext(_Known)

        monkeypatch.setattr("crossorigin.tools.lab.running_lab", noted)
        monkeypatch.setattr("crossorigin.tools.lab.wait_for_interrupt", lambda: None)
        monkeypatch.chdir(tmp_path)
        project = tmp_path / "pyproject.toml"

        call(once=False)
        project.write_text("[project]\nname = 'a'\n", encoding="utf-8")
        call(once=False)
        project.write_text("[tool.crossorigin]\nallow_origins = ['*']\n", encoding="utf-8")
        call(once=False)
        (tmp_path / "crossorigin.toml").write_text("# mine\nallow_origins = []\n", encoding="utf-8")
        call(once=False)

        assert shown == [None, None, 'allow_origins = ["*"]\n', "# mine\nallow_origins = []\n"]

    def test_a_terminal_that_lacks_characters_gets_others(self, tmp_path: Path) -> None:
        (tmp_path / "crossorigin.toml").write_text('allow_origins = ["bücher.example"]', encoding="utf-8")
        ascii_alone = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "PYTHONIOENCODING": "ascii"}

        ended = subprocess.run(
            [sys.executable, "-m", "crossorigin.tools", "lab", "--once"],
            cwd=tmp_path,
            env={**os.environ, **ascii_alone},
            capture_output=True,
            timeout=60,
            check=False,
        )

        assert (ended.returncode, ended.stderr) == (1, b"")
        assert b"'b\\xfccher.example'" in ended.stdout

    @pytest.mark.parametrize("open_browser", [True, False])
    def test_it_says_where_the_page_is_and_opens_it_if_asked_to(
        self, monkeypatch: pytest.MonkeyPatch, open_browser: bool
    ) -> None:
        opened: list[str] = []
        monkeypatch.setattr("webbrowser.open", opened.append)
        monkeypatch.setattr("crossorigin.tools.lab.wait_for_interrupt", lambda: None)
        printed = io.StringIO()

        with monkeypatch.context() as patched:
            patched.setattr("crossorigin.tools.lab.running_lab", lambda policy, port: nullcontext(_Known))
            status = lab(None, port=0, once=False, open_browser=open_browser, console=Console(file=printed, width=20))

        assert status == 0
        assert printed.getvalue().splitlines()[0] == "The lab is at http://localhost:1/"
        assert opened == (["http://localhost:1/"] if open_browser else [])

    def test_it_serves_until_it_is_interrupted(self) -> None:
        program = (
            "import sys; from rich.console import Console; from crossorigin.tools.lab import lab; "
            "sys.exit(lab(None, port=0, once=False, open_browser=False, console=Console(width=100)))"
        )
        with subprocess.Popen(
            [sys.executable, "-u", "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            try:
                line = process.stdout.readline()
                address = line.removeprefix("The lab is at ").strip()
                with httpx.Client(trust_env=False, timeout=30) as client:
                    assert client.get(address).status_code == 200
                for _ in range(3):
                    process.send_signal(signal.SIGINT)
                    time.sleep(0.01)  # each is to arrive, while the lab ends
                assert process.wait(30) == 0
                assert process.stderr.read() == ""
            finally:
                process.kill()
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", int(address.rstrip("/").rpartition(":")[2])))

    def test_nothing_is_logged_meanwhile_and_everything_afterwards(self, caplog: pytest.LogCaptureFixture) -> None:
        caplog.set_level(logging.INFO)  # as some applications have it
        with running_lab() as started:
            started.run(run_model(started.bench))
            logging.getLogger("crossorigin").warning("unheard")
        logging.getLogger("crossorigin").warning("heard")

        assert caplog.messages == ["heard"]


def test_a_demo_whose_engine_ends_says_so_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    class Ended:
        def visit(self, url: str) -> None:
            raise RuntimeError("the browser is gone")

    monkeypatch.setattr(demo, "missing", lambda name: None)
    monkeypatch.setattr(demo, "start", lambda name: nullcontext(Ended()))
    monkeypatch.setenv("COLUMNS", "80")

    assert demo.main() == 1
    first, *_, last = capsys.readouterr().out.splitlines()
    assert first.endswith("The lab is at")
    assert last == "The demo stopped: the browser is gone"


def test_what_a_page_asks_for_is_checked() -> None:
    assert Asked.of(REQUEST).headers == (("Authorization", "Bearer x"),)
    with pytest.raises(InputError):
        Asked.of([])
