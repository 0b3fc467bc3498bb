"""The scorecard: crossorigin keeps every rule, the page is what the code writes, and what it says of others is so."""

import logging
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from benchmarks.scorecard import __main__ as command
from benchmarks.scorecard import playing
from benchmarks.scorecard.libraries import LIBRARIES
from benchmarks.scorecard.libraries.asgi import APPLICATION, ask, open_websocket
from benchmarks.scorecard.libraries.crossorigin import around, rules
from benchmarks.scorecard.library import Library
from benchmarks.scorecard.page import page
from benchmarks.scorecard.picture import picture
from benchmarks.scorecard.playing import Outcome, play
from benchmarks.scorecard.policies import LISTED, Neutral
from benchmarks.scorecard.scoring import FAMILIES, Mark, outcome, score, scores, situations_of
from benchmarks.scorecard.situations import RULES, SITUATIONS
from crossorigin.asgi import ASGIApp, CORSMiddleware, Message, Receive, Scope, Send

OURS = [library for library in LIBRARIES if library.is_ours]
BY_LIBRARY = {library.name: library for library in LIBRARIES}
BY_NAME = {situation.name: situation for situation in SITUATIONS}


def named(thing: Any) -> str:
    return str(getattr(thing, "name", thing))


def of(library: str, situation: str) -> Outcome:
    return outcome(BY_LIBRARY[library], BY_NAME[situation])


NESTED = {"nested-preflight", "nested-alone"}


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("library", OURS, ids=named)
def test_crossorigin_keeps_every_rule_on_every_adapter(library: Library, rule: str) -> None:
    differing = [each.name for each in situations_of(rule) if not outcome(library, each).is_kept]

    # WSGI has no WebSockets, around an application nobody sees inside, and crossorigin has a bound of its own. There is
    # nothing else, in matters of taste, too.
    without_websockets = {each.name for each in situations_of("S17")} if library.open is None else set()
    unseen = set() if ".setup(" in library.setup else NESTED
    assert set(differing) <= {*without_websockets, *unseen, "many-headers"}
    assert not any(outcome(library, each).is_broken for each in situations_of(rule))


def test_crossorigin_is_played_on_the_applications_of_all_other_libraries() -> None:
    frameworks = {name for library in LIBRARIES if not library.is_ours for name in library.distributions[-1:]}
    ours = {name for library in OURS for name in library.distributions}

    assert frameworks - ours == {"asgi-cors", "wsgicors"}  # these two are played on plain applications
    assert {"crossorigin-asgi", "crossorigin-wsgi"} <= {library.name for library in OURS}


def test_the_page_and_the_picture_are_what_the_command_writes() -> None:
    found = scores()

    assert command.PAGE.read_text(encoding="utf-8") == page(found), "run `make scorecard`"
    assert command.PICTURE.read_text(encoding="utf-8") == picture(found), "run `make scorecard`"


@pytest.mark.parametrize("family", [family for family in FAMILIES if family != "crossorigin"])
def test_every_broken_cell_names_situations_that_reproduce_alone(family: str) -> None:
    broken = [each for cell in score(family).cells.values() for each in cell.broken]
    assert broken

    for each in reversed(broken):
        playing.served.cache_clear()
        again = play(each.library, each.situation)
        assert (again.is_broken, again.problems) == (True, each.problems), each.situation.name


@pytest.mark.parametrize(
    ("library", "situation"),
    [
        ("aiohttp-cors", "options-plain"),
        ("aiohttp-cors", "own-doubled"),
        ("aiohttp-cors", "vary-denied"),
        ("asgi-cors", "max-age"),
        ("django-cors-headers", "many-origins"),
        ("fastapi", "exception"),
        ("flask-cors", "path-segment"),
        ("flask-cors", "preflight-authentication"),
        ("kui-asgi", "exception"),
        ("kui-wsgi", "vary-allowed"),
        ("litestar", "credentials-any-put"),
        ("litestar", "many-origins"),
        ("litestar", "vary-merged"),
        ("quart-cors", "subdomain-longer"),
        ("starlette", "many-origins"),
        ("starlette", "split-star"),
        ("wsgicors", "many-origins"),
        ("wsgicors", "own-doubled"),
    ],
)
def test_a_peer_breaks_what_it_is_known_to_break(library: str, situation: str) -> None:
    assert of(library, situation).is_broken


@pytest.mark.parametrize(
    ("library", "situation"),
    [
        ("aiohttp-cors", "exception"),
        ("aiohttp-cors", "exposed-any-credentials"),
        ("aiohttp-cors", "many-origins"),
        ("asgi-cors", "many-origins"),
        ("asgi-cors", "preflight-missing-path"),
        ("asgi-cors", "preflight-slash"),
        ("django-cors-headers", "exception"),
        ("django-cors-headers", "inner-preflight"),
        ("django-cors-headers", "path-listed"),
        ("django-cors-headers", "path-public"),
        ("django-cors-headers", "path-segment"),
        ("django-cors-headers", "subdomain-longer"),
        ("django-cors-headers", "vary-denied"),
        ("falcon", "exception"),
        ("falcon", "many-origins"),
        ("fastapi", "inner-preflight"),
        ("flask-cors", "exception"),
        ("flask-cors", "many-headers"),
        ("flask-cors", "nested-preflight"),
        ("flask-cors", "subdomain-longer"),
        ("kui-asgi", "nested-preflight"),
        ("quart-cors", "websocket-foreign"),
        ("starlette", "exception"),
        ("starlette", "inner-alone"),
        ("starlette", "inner-preflight"),
        ("starlette", "own-doubled"),
        ("starlette", "subdomain-longer"),
        ("starlette", "vary-denied"),
        ("wsgicors", "preflight-missing-path"),
    ],
)
def test_a_peer_keeps_what_it_is_known_to_keep(library: str, situation: str) -> None:
    assert of(library, situation).is_kept


def test_what_a_documentation_does_not_offer_is_no_mistake() -> None:
    assert of("asgi-cors", "credentials-get").lacks == "Its README has no option for credentials."
    assert of("falcon", "header-undeclared").problems == ("the page reads the response",)
    assert of("falcon", "header-undeclared").lacks
    assert score("wsgicors").cells["S17"].mark is Mark.LACKS
    assert {of("aiohttp-cors", f"status-{status}").lacks for status in (404, 405)} == {
        "Its README: CORS will be enabled only on the resources added to `CorsConfig`."
    }


def test_what_is_kept_beyond_the_documentation_is_kept_unless_it_is_the_application_that_does_it() -> None:
    assert score("asgi-cors").cells["S2"].mark is Mark.PARTLY
    assert of("asgi-cors", "preflight-authentication").lacks
    assert of("starlette", "enforce-allowed").problems == ()
    assert of("starlette", "enforce-allowed").lacks.endswith("passes a request with an Origin through as normal.")
    assert score("starlette").cells["S18"].mark is Mark.LACKS


def test_the_signal_of_one_django_project_is_not_heard_in_another() -> None:
    assert of("django-cors-headers", "path-public").is_kept

    foreign = replace(BY_NAME["path-public"], policy=LISTED)
    assert play(BY_LIBRARY["django-cors-headers"], foreign).problems


def test_a_matter_of_taste_breaks_nothing() -> None:
    found = of("starlette", "denied-preflight-status")

    assert (found.problems, found.is_taste, found.is_broken) == (("status 400, not 403",), True, False)
    assert score("starlette").cells["S15"].mark is Mark.TASTE


@pytest.mark.parametrize(
    "name",
    [
        *("malformed-any", "malformed-listed", "malformed-subdomain", "two-origins", "options-with-method"),
        *("empty-element", "markup", "method-list", "method-markup", "method-list-refused"),
    ],
)
def test_what_no_browser_sends_is_a_matter_of_taste(name: str) -> None:
    assert "o browser sends it" in BY_NAME[name].taste


def test_what_an_application_may_mean_is_a_matter_of_taste() -> None:
    tastes = {BY_NAME[name].taste for name in ("own-mixed", "own-replaced", "denied-own")}

    assert tastes == {"An application that sets CORS headers by itself may mean it."}


def test_a_bound_of_crossorigin_is_shown_where_others_have_none() -> None:
    found = of("crossorigin-asgi", "many-headers")

    assert (found.is_taste, found.is_broken) == (True, False)
    assert score("crossorigin").cells["S14"].mark is Mark.TASTE


def test_situations_have_names_of_their_own_and_every_rule_has_one_that_can_break_it() -> None:
    assert len(BY_NAME) == len(SITUATIONS)
    about_browsers = {"S16"}  # it is about what no browser sends
    assert {situation.rule for situation in SITUATIONS if not situation.taste} == set(RULES) - about_browsers


def test_every_excuse_is_for_a_situation_and_needed() -> None:
    excuses = [(library, name) for library in LIBRARIES for name in library.excuses]

    assert [(library.name, name) for library, name in excuses if not outcome(library, BY_NAME[name]).problems] == []


# The suite can fail.


def library_of(serve: Callable[[Neutral | None], ASGIApp], **changes: Any) -> Library:
    return replace(BY_LIBRARY["crossorigin-asgi"], serve=serve, **changes)


def nothing(policy: Neutral | None) -> ASGIApp:
    return APPLICATION


def everything(policy: Neutral | None) -> ASGIApp:
    """Return the application behind a middleware that allows whatever is asked for, whoever asks."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        asked = {name: value for name, value in scope["headers"] if name != b"host"}
        granted = {
            b"access-control-allow-origin": asked.get(b"origin", b"*"),
            b"access-control-allow-credentials": b"true",
            b"access-control-allow-methods": asked.get(b"access-control-request-method", b""),
            b"access-control-allow-headers": asked.get(b"access-control-request-headers", b""),
        }

        async def send_granting(message: Message) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message["headers"], *granted.items()]}
            await send(message)

        if scope["type"] == "http" and scope["method"] == "OPTIONS":
            await send_granting({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        await APPLICATION(scope, receive, send_granting)

    return APPLICATION if policy is None else app


def test_a_library_that_does_nothing_keeps_pages_out_and_little_else() -> None:
    library = library_of(nothing)
    kept = {each.name for each in SITUATIONS if play(library, each).is_kept}

    assert {"listed-foreign", "denied-put", "options-plain"} <= kept
    assert not kept & {"listed", "put", "preflight-missing-path", "exposed", "vary-allowed", "exception", "path-public"}
    assert not kept & {"websocket-foreign", "enforce-foreign", "log-refusal", "max-age", "credentials-any-get"}


def test_a_library_that_allows_everything_breaks_what_keeps_pages_out() -> None:
    library = library_of(everything)
    broken = {each.name for each in SITUATIONS if play(library, each).problems}

    assert {each.name for each in SITUATIONS if each.name.startswith(("listed-", "subdomain-"))} - broken == {
        "listed-second"
    }
    assert {"options-plain", "malformed-any", "null-not-listed", "credentials-undeclared", "own-doubled"} <= broken
    assert {"method-undeclared", "header-undeclared", "denied-preflight", "method-list", "path-private"} <= broken


def failing(policy: Neutral | None) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("the library fails")

    return APPLICATION if policy is None else app


def swallowing(policy: Neutral | None) -> ASGIApp:
    """Return the application behind a middleware that answers its exceptions, and tells nobody."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await APPLICATION(scope, receive, send)
        except Exception:
            await send({"type": "http.response.start", "status": 500, "headers": []})
            await send({"type": "http.response.body", "body": b""})

    return APPLICATION if policy is None else app


def careless(policy: Neutral | None) -> ASGIApp:
    """Return the application behind a middleware that writes what no library should, and calls all of it refused."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        async def send_more(message: Message) -> None:
            if message["type"] == "http.response.start":
                logging.getLogger("crossorigin").info("not allowed\x07")
                lines = {
                    "access-control-allow-origin": "*",
                    "access-control-allow-credentials": "true",
                    "vary": "origin",
                }
                written = [(name.encode(), value.encode()) for name, value in lines.items()]
                message = {**message, "headers": written}
            await send(message)

        await APPLICATION(scope, receive, send_more)

    return APPLICATION if policy is None else app


def mixing(policy: Neutral | None) -> ASGIApp:
    """Return the application behind a middleware that writes its headers among those of the application."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        origin = dict(scope["headers"]).get(b"origin", b"null")

        async def send_mixed(message: Message) -> None:
            if message["type"] == "http.response.start":
                own = {b"access-control-allow-credentials": b"false", **dict(message["headers"])}
                message = {**message, "headers": [*{**own, b"access-control-allow-origin": origin}.items()]}
            await send(message)

        await APPLICATION(scope, receive, send_mixed)

    return APPLICATION if policy is None else app


def linear(policy: Neutral | None) -> ASGIApp:
    """Return the application behind crossorigin, made slow by looking through a list of all origins."""
    around = BY_LIBRARY["crossorigin-asgi"].serve(policy)
    names = list(policy.origins) if policy else []

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert dict(scope["headers"])[b"origin"].decode() not in names
        await around(scope, receive, send)

    return app


def test_a_library_that_looks_through_a_list_of_origins_breaks_s6() -> None:
    found = play(library_of(linear), BY_NAME["many-origins"])

    assert found.is_broken
    assert found.problems == ("the time grows with the number of origins",)


def test_every_library_is_measured_with_the_same_plain_strings() -> None:
    given: list[Neutral] = []

    def serve(policy: Neutral | None) -> ASGIApp:
        given.extend([policy] if policy else [])
        return APPLICATION

    found = play(library_of(serve), BY_NAME["many-origins"])
    assert found.is_kept
    assert [len(policy.origins) for policy in given] == [1_000, 40_000]
    assert {type(origin) for policy in given for origin in policy.origins} == {str}


def outer(policy: Neutral | None) -> ASGIApp:
    """Return the application behind crossorigin's outer policy alone, without what should be nested inside."""
    if policy is None:
        return APPLICATION
    return CORSMiddleware(APPLICATION, around(policy) if policy.nested else rules(policy))


def test_it_is_the_nested_policy_that_answers() -> None:
    assert play(library_of(outer), BY_NAME["inner-preflight"]).is_kept
    assert play(library_of(outer), BY_NAME["nested-preflight"]).is_taste
    assert of("crossorigin-starlette", "nested-preflight").is_kept
    assert of("crossorigin-asgi", "nested-preflight").lacks.startswith("Its documentation: around an application")


def test_every_situation_can_break() -> None:
    libraries = [library_of(serve) for serve in (nothing, everything, failing, swallowing, careless, mixing, linear)]
    unbroken = [each.name for each in SITUATIONS if not any(play(library, each).problems for library in libraries)]

    assert unbroken == []


# The command.


@pytest.mark.parametrize("width", [80, 100, 240])
def test_the_table_is_readable_at_any_width(
    width: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert command.main([]) == 0

    out = capsys.readouterr().out
    assert max(map(len, out.splitlines())) <= width
    assert "\N{HORIZONTAL ELLIPSIS}" not in out
    assert all(title in out for title in RULES.values())
    for rule in RULES:
        rows = [line.split("\N{BOX DRAWINGS LIGHT VERTICAL}")[2:-1] for line in out.splitlines() if f" {rule} " in line]
        signs = [cell.strip() for row in rows for cell in row if cell.strip() != RULES[rule]]
        assert {found.cells[rule].sign for found in scores()} == set(signs)
        assert len(signs) - len(FAMILIES) == out.count("crossorigin") - 1  # which every table repeats


def test_the_table_is_whole_where_there_is_no_terminal(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    command.main([])

    out = capsys.readouterr().out
    assert out.count("crossorigin") == 1
    assert all(any(f" {rule} " in line and title in line for line in out.splitlines()) for rule, title in RULES.items())


def test_a_log_is_shown_where_it_is_what_matters_and_shortened(capsys: pytest.CaptureFixture[str]) -> None:
    command.main(["--library", "flask-cors", "--situation", "many-origins", "--situation", "log-refusal"])

    out = capsys.readouterr().out
    cost, _, log = out.partition("log-refusal")
    assert "In the log" not in cost
    records = [line for line in log.splitlines() if "In the log" in line]
    assert any("CORS request received with 'Origin' https://evil.example" in record for record in records)
    assert max(map(len, records)) < 130


def test_what_shows_no_chosen_rule_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    status = command.main(["--situation", "vary-denied", "--rule", "S1"])

    assert status == 2
    assert capsys.readouterr() == ("", "nothing to play: vary-denied shows S10, not S1\n")


def test_the_help_names_libraries_rules_and_the_exit_status(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(["--help"])

    out = capsys.readouterr().out
    assert caught.value.code == 0
    assert all(name in out for name in (*FAMILIES, *RULES, "exit status: 0"))
    assert "`" not in out


def test_the_command_shows_a_situation_that_runs_alone() -> None:
    arguments = ["--library", "quart-cors", "--situation", "subdomain-longer"]
    run = subprocess.run(
        # Newer setuptools warn of what Pyramid imports.
        [sys.executable, "-W", "ignore:pkg_resources", "-m", "benchmarks.scorecard", *arguments],
        cwd=command.DOCS.parent,
        capture_output=True,
        text=True,
        check=True,
    )

    assert run.stderr == ""
    assert "quart-cors, S4 subdomain-longer: broken" in run.stdout
    assert "> Origin: https://shop.example.com.evil.example" in run.stdout
    assert "< access-control-allow-origin: https://shop.example.com.evil.example" in run.stdout
    assert "Does not hold: the page reads the response" in run.stdout
    assert "1 played, 1 broken." in run.stdout


def test_the_command_plays_what_is_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    status = command.main(["--library", "kui", "--library", "falcon", "--rule", "S15", "--rule", "S5"])

    played = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("kui", "falcon"))]
    assert status == 0
    assert len(played) == 3 * len([*situations_of("S15"), *situations_of("S5")])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--library", "flask"], "there is no library 'flask'; there are crossorigin, asgi-cors, aiohttp-cors, kui"),
        (["--rule", "s10"], "there is no rule 's10'; there are S1, S2,"),
        (["--situation", "vary"], "there is no situation 'vary'; there are options-plain, options-with-origin"),
    ],
)
def test_an_unknown_name_is_one_line_that_lists_the_valid_ones(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    status = command.main(arguments)

    out, err = capsys.readouterr()
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(message)


def test_everything_is_written_or_a_part_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        command.main(["--write", "--rule", "S10"])

    assert caught.value.code == 2
    assert "leave out --library, --rule and --situation" in capsys.readouterr().err


def test_the_exit_status_is_1_if_crossorigin_breaks_a_rule(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(command, "LIBRARIES", (library_of(nothing),))

    assert command.main(["--situation", "listed"]) == 1
    assert "crossorigin-asgi, S4 listed: broken" in capsys.readouterr().out


def test_the_applications_are_asked_as_a_server_asks() -> None:
    async def text(scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x", "text")]})

    async def refusing(scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "websocket.close"})

    request = BY_NAME["options-plain"].play.requests[0]  # type: ignore[union-attr]
    with pytest.raises(AssertionError) as caught:
        ask(text, request)
    assert str(caught.value.__cause__) == "ASGI has bytes in headers, and the value of x is 'text'"
    assert open_websocket(refusing, None).status == 403
    assert open_websocket(APPLICATION, None).status == 101
