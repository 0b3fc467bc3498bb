"""Suite "the lab": what its page really does in each engine, and how it looks and is used in Chromium."""

import base64
import json
import struct
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote

import pytest

from conformance.engines import Engine
from crossorigin.tools.lab import Lab, running_lab
from crossorigin.tools.lab.situations import SITUATIONS
from tests.needs import missed

WIDTHS = (360, 800, 1400)
TAB = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
CONTROLS = """
await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));  // the diagram, anew
return [...document.querySelectorAll("a, button, select, input, textarea, summary, [tabindex]")].filter((one) =>
    one.tabIndex >= 0 && !one.disabled && one.offsetParent !== null
    && (one.type !== "radio" || one.checked)).map((one) => {
        one.dataset.place ??= String(Math.random());
        return one.dataset.place;
    });
"""


@pytest.fixture(scope="module")
def lab() -> Iterator[Lab]:
    with running_lab() as running:
        yield running


def visit(engine: Engine, lab: Lab, fragment: str = "") -> None:
    """Load the page with *fragment*: from another one, since a fragment alone loads nothing."""
    engine.visit(f"{lab.address}frame")
    engine.visit(lab.address + fragment)
    engine.run("while (!window.lab) await new Promise((next) => setTimeout(next, 20));")


def test_all_situations_agree_on_all_stacks(
    engine: Engine, lab: Lab, judged: Callable[[str, Engine, int], None]
) -> None:
    visit(engine, lab)

    results = engine.run("try { await lab.runAll(); } catch {} return lab.results;")

    judged("the lab", engine, sum(len(row["cells"]) for row in results["rows"]))
    differing = {row["name"]: row["cells"] for row in results["rows"] if not row["agreed"]}
    assert (results["error"], differing, results["agreed"]) == (None, {}, True)
    assert [row["key"] for row in results["rows"]] == [one.key for one in SITUATIONS]
    assert {len(row["cells"]) for row in results["rows"]} == {5}
    assert results["engine"].lower() == engine.name


def test_a_person_plays_one_situation_and_reads_why(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    told = engine.run(
        """
        document.querySelector("[data-key=header]").click();
        while (!document.querySelector("#verdict.verdict")) await new Promise((next) => setTimeout(next, 20));
        return {
            verdict: document.getElementById("verdict").textContent,
            cards: [...document.querySelectorAll("#cards .chip")].map((chip) => chip.textContent),
            advice: document.getElementById("advice").textContent,
            drawn: [...document.querySelectorAll("#diagram svg text.head")].map((text) => text.textContent),
            words: [...document.querySelectorAll("#diagram li")].map((line) => line.textContent),
        };
        """
    )

    assert told["verdict"].startswith("All three agree: blocked, because the preflight fails: the header x-debug")
    assert told["cards"] == ["✗ refuses it", "✗ header-not-allowed", "✗ blocked it"]
    assert "Add 'x-debug' to allow_headers." in told["advice"]
    assert told["drawn"] == ["fetch, GET", "OPTIONS (preflight)", "204", "✗ TypeError"]
    assert "Access-Control-Request-Headers: authorization,x-debug" in told["words"][1]


def test_findings_are_shown_as_they_are_typed(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    found = engine.run(
        """
        const policy = document.getElementById("policy");
        policy.value = 'allow_origins = ["app.example.com", "https://a.example/"]';
        policy.dispatchEvent(new Event("input", { bubbles: true }));
        const list = () => [...document.querySelectorAll("#findings li")].map((line) => line.textContent);
        while (list().length !== 2) await new Promise((next) => setTimeout(next, 20));
        return [...list(), policy.getAttribute("aria-invalid")];
        """
    )

    assert "line 1, allow_origins[0]" in found[0]
    assert "'https://app.example.com'" in found[0]
    assert "[origin-path]" in found[1]
    assert found[2] == "true"


def test_the_address_holds_the_whole_state(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)
    state, fragment = engine.run(
        """
        const form = document.getElementById("request");
        document.getElementById("policy").value = `# ü & #\\nallow_origins = ["${form.page.options[0].text}"]\\n`;
        Object.assign(form.page, { value: "evil" });
        Object.assign(form.stack, { value: "wsgi" });
        form.method.value = "patch";
        form.headers.value = "X-A: 1 & 2\\nAuthorization";
        form.credentials.value = "include";
        form.path.value = "/fails";
        const before = location.hash;
        form.dispatchEvent(new Event("input", { bubbles: true }));
        while (location.hash === before) await new Promise((next) => setTimeout(next, 20));
        return [lab.state(), location.hash];
        """
    )

    visit(engine, lab, fragment)

    assert engine.run("return lab.state();") == state
    assert state["page"] == "evil"
    assert state["policy"].startswith("# ü & #")
    assert "localhost" not in fragment  # the ports of another lab are others


@pytest.mark.parametrize(
    "policy",
    [
        "",
        "# {app} {=app} {==evil} {{port}} {none}\n{http://app.localhost:1}",
    ],
)
def test_every_policy_survives_the_address(engine: Engine, lab: Lab, policy: str) -> None:
    visit(engine, lab)
    fragment = engine.run(
        f"""
        const origin = document.getElementById("page").options[0].text;
        document.getElementById("policy").value = {json.dumps(policy)} && {json.dumps(policy)} + origin;
        const before = location.hash;
        document.getElementById("request").dispatchEvent(new Event("input", {{ bubbles: true }}));
        while (location.hash === before) await new Promise((next) => setTimeout(next, 20));
        return location.hash;
        """
    )

    visit(engine, lab, fragment)

    origin = lab.bench.setup()["pages"]["app"]
    assert "policy=" in fragment
    assert engine.run("return lab.state().policy;") == (policy and policy + origin)


def test_what_only_begins_as_an_origin_of_the_lab_stays_as_it_is(engine: Engine, lab: Lab) -> None:
    own = lab.bench.origins["localhost"]
    others = [f"{own}0", f"{own}.example", f"{own}-x"]
    visit(engine, lab)

    fragment = engine.run(
        """
        const before = location.hash;
        document.getElementById("policy").value = arguments[0];
        document.getElementById("policy").dispatchEvent(new Event("input", { bubbles: true }));
        while (location.hash === before) await new Promise((next) => setTimeout(next, 20));
        return location.hash;
        """,
        f"# {own} {' '.join(others)}",
    )

    assert parse_qs(fragment.removeprefix("#"))["policy"] == [f"# {{localhost}} {' '.join(others)}"]


def test_what_a_browser_drops_is_agreed_on(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    told = engine.run(
        """
        document.getElementById("policy").value =
            `allow_origins = ["${document.getElementById("page").options[0].text}"]\\nallow_headers = ["X-A"]`;
        Object.assign(document.getElementById("request").method, { value: "GET" });
        document.getElementById("request").credentials.value = "omit";
        document.getElementById("request").headers.value = ["Host: evil.example", "Content-Length: 5", "Cookie: a=b",
            "Origin: null", "Sec-Foo: 1", "X-HTTP-Method-Override: TRACE", "X-A: 1"].join("\\n");
        await lab.fetch();
        return document.getElementById("verdict").textContent;
        """
    )

    assert told == "All three agree: the page gets the response, status 200."


def test_one_play_at_a_time(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    told = engine.run(
        """
        const buttons = () => [...document.querySelectorAll("#fetch, #run-all, #presets button")];
        const usable = () => buttons().filter((one) => !one.disabled).length;
        const chosen = document.querySelector("[data-key=works]");
        chosen.focus();
        const all = lab.runAll();
        const one = lab.fetch();
        const during = usable();
        await Promise.all([all, one]);
        await new Promise((next) => setTimeout(next, 0));
        return { during, after: usable() === buttons().length, agreed: lab.results.agreed,
            verdict: document.getElementById("verdict").textContent, focus: document.activeElement === chosen };
        """
    )

    assert told["verdict"].startswith("All three agree")
    assert (told["during"], told["after"], told["agreed"], told["focus"]) == (0, True, True, True)


def test_two_browsers_play_at_once_each_under_its_own_policies(all_engines: dict[str, Engine], lab: Lab) -> None:
    def run_all(engine: Engine) -> Any:
        visit(engine, lab)
        return engine.run("try { await lab.runAll(); } catch {} return lab.results;")

    with ThreadPoolExecutor(len(all_engines)) as executor:
        results = list(executor.map(run_all, all_engines.values()))

    assert [(one["error"], one["agreed"]) for one in results] == [(None, True)] * len(all_engines)


def test_what_a_server_does_not_take_is_no_disagreement(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    told = engine.run(
        """
        document.getElementById("policy").value = `allow_origins = ["*"]\\nallow_methods = ["*"]`;
        const form = document.getElementById("request");
        form.method.value = "FOO";
        form.credentials.value = "omit";
        form.headers.value = "";
        const verdicts = [];
        for (const stack of ["asgi", "aiohttp"]) {
            form.stack.value = stack;
            await lab.fetch();
            verdicts.push(document.getElementById("verdict").textContent);
        }
        return verdicts;
        """
    )

    assert told[0] == "All three agree: the page gets the response, status 200."
    assert told[1].startswith("The server refused the request before the policy was asked")


def test_whoever_types_fast_sees_findings_and_can_fetch(engine: Engine, lab: Lab) -> None:
    """WebKit throws when a page changes its address more than 100 times in ten seconds, and Chromium does nothing."""
    visit(engine, lab)

    told = engine.run(
        """
        const policy = document.getElementById("policy");
        for (let number = 0; number < 250; number++) {
            policy.value = `allow_origins = ["app${number}"]`;
            policy.dispatchEvent(new Event("input", { bubbles: true }));
        }
        const said = () => document.getElementById("findings").textContent;
        while (!said().includes("app249")) await new Promise((next) => setTimeout(next, 20));
        while (!location.hash.includes("app249")) await new Promise((next) => setTimeout(next, 20));
        policy.value = 'allow_origins = ["*"]';
        await lab.fetch();
        return document.getElementById("verdict").textContent;
        """
    )

    assert told.startswith("All three agree")


def test_an_address_that_cannot_be_changed_stops_nothing(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    told = engine.run(
        """
        const replace = history.replaceState;
        history.replaceState = () => { throw new DOMException("too often", "SecurityError"); };
        try { await lab.fetch(); } finally { history.replaceState = replace; }
        return document.getElementById("verdict").textContent;
        """
    )

    assert told.startswith("All three agree")


def test_what_is_shown_is_marked_once_it_is_of_an_earlier_request(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    titles = engine.run(
        """
        const title = () => document.getElementById("outcome-title").textContent;
        const type = () => document.getElementById("policy").dispatchEvent(new Event("input", { bubbles: true }));
        const titles = [];
        type();
        titles.push(title());
        await lab.fetch();
        titles.push(title());
        type();
        titles.push(title());
        await lab.fetch();
        titles.push(title());
        const changed = new Promise((next) => addEventListener("hashchange", next, { once: true }));
        location.hash = "#policy=a&method=PUT";
        await changed;
        titles.push(title(), lab.state().method);
        return titles;
        """
    )

    now, before = "What happened", "What happened, before the last change"
    assert titles == [now, now, before, now, before, "PUT"]


def test_an_answer_that_a_later_one_has_overtaken_says_nothing(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    said = engine.run(
        """
        const fetched = window.fetch;
        let release, asked = 0, arrived;
        const held = new Promise((next) => { release = next; });
        const shown = new Promise((next) => { arrived = next; });
        window.fetch = async (...given) => {
            const first = asked++ === 0;
            const response = await fetched(...given);
            if (!first) return response;
            await held;
            const data = await response.json();
            setTimeout(arrived, 0);  // in a task of its own: the page has shown it by then, or never will
            return new Response(JSON.stringify(data));
        };
        const policy = document.getElementById("policy");
        const findings = () => document.getElementById("findings").textContent;
        const type = (text) => {
            policy.value = text;
            policy.dispatchEvent(new Event("input", { bubbles: true }));
        };
        const until = async (holds) => { while (!holds()) await new Promise((next) => setTimeout(next, 20)); };
        try {
            type('allow_origins = ["early"]');
            await until(() => asked === 1);
            type('allow_origins = ["late"]');
            await until(() => findings().includes("'late'"));
            release();
            await shown;
            await fetched("/files/icon.svg");
            return findings();
        } finally {
            window.fetch = fetched;
        }
        """
    )

    assert "'late'" in said
    assert "'early'" not in said


def test_a_frame_fetches_for_the_lab_alone(engine: Engine, lab: Lab) -> None:
    """A page of the frame's own origin asks it, as any page that opens it could: no answer comes."""
    engine.visit(lab.bench.origins["app"] + "/frame")

    answers = engine.run(
        """
        const answers = [];
        const ask = new MessageChannel();
        ask.port1.onmessage = (event) => answers.push(event.data);
        const heard = new Promise((next) => addEventListener("message", next, { once: true }));
        postMessage([null, null], "*", [ask.port2]);
        const ports = (await heard).ports;
        await new Promise((next) => setTimeout(next, 0));
        ports[0].postMessage("the last");  // behind whatever the frame has answered by then
        while (answers.at(-1) !== "the last") await new Promise((next) => setTimeout(next, 20));
        return answers;
        """
    )

    assert answers == ["the last"]


@pytest.fixture(scope="module")
def given() -> Iterator[Lab]:
    with running_lab('allow_origins = ["https://given.example"]\n') as running:
        yield running


def test_a_link_tells_that_its_policy_is_not_the_labs(engine: Engine, lab: Lab, given: Lab) -> None:
    notice = "return !document.getElementById('other').hidden;"
    linked = "#policy=" + quote('allow_origins = ["https://linked.example"]')
    shown = []
    for running, fragment in ((given, ""), (lab, linked), (given, linked)):
        visit(engine, running, fragment)
        shown.append(engine.run(notice))

    engine.run("document.getElementById('given').click();")

    assert shown == [False, False, True]
    assert engine.run("return lab.state().policy;") == given.bench.policy
    assert engine.run(notice) is False


def test_the_port_of_http_itself_can_be_the_labs(engine: Engine) -> None:
    try:
        with running_lab(port=80) as running:
            visit(engine, running)
            results = engine.run("try { await lab.runAll(); } catch {} return lab.results;")
    except OSError as error:
        missed(f"port 80: {error}")

    assert running.address == "http://localhost/"
    assert (results["error"], results["agreed"]) == (None, True)


def test_an_expression_that_could_stop_the_lab_is_refused_in_words(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    told = engine.run(
        """
        document.getElementById("policy").value = "allow_origins = [{ regex = 'https?://(?:.|.|.)*!' }]";
        await lab.fetch();
        return ["verdict", "findings"].map((id) => document.getElementById(id).textContent);
        """
    )

    assert all("The lab does not put this policy in force" in text for text in told)


def test_a_link_from_elsewhere_breaks_nothing(engine: Engine, lab: Lab) -> None:
    visit(engine, lab, "#policy=%3Cscript%3E&page=nowhere&stack=none&credentials=all&method=%22%3E%3Cb%3E")

    state = engine.run("return lab.state();")

    assert state["policy"] == "<script>"
    assert state["page"] in lab.bench.setup()["pages"]
    assert state["stack"] in lab.bench.addresses
    assert state["credentials"] == "same-origin"
    assert state["method"] == '"><b>'


def test_what_the_stacks_do_not_do_is_seen(engine: Engine, lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    """The grid can fail: where the server saw another request than the model sends, it says so."""
    monkeypatch.setattr(lab.bench.journal, "of", lambda identity: [])
    visit(engine, lab)

    results = engine.run("await lab.runAll(); return lab.results;")

    built = [row for row in results["rows"] if row["cells"]["asgi"]["outcome"] != "unbuilt"]
    assert results["agreed"] is False
    assert not any(cell["agreed"] for row in built for cell in row["cells"].values())


class Window:
    """Chromium's window, as a person would size and look at it."""

    def __init__(self, engine: Engine) -> None:
        self._driver: Any = engine._driver

    def tell(self, command: str, **parameters: object) -> Any:
        path = f"{self._driver._session}/goog/cdp/execute"
        return self._driver._command("POST", path, {"cmd": command, "params": parameters})

    def size(self, width: int, scheme: str) -> None:
        self.tell("Emulation.setDeviceMetricsOverride", width=width, height=900, deviceScaleFactor=1, mobile=False)
        self.tell("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def screenshot(self, file: Path) -> None:
        taken = self.tell("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(taken["data"]))

    def press(self, key: dict[str, object]) -> None:
        self.tell("Input.dispatchKeyEvent", type="keyDown", **key)
        self.tell("Input.dispatchKeyEvent", type="keyUp", **key)


@pytest.fixture
def window(all_engines: dict[str, Engine], lab: Lab) -> Iterator[tuple[Engine, Window]]:
    """Chromium's, with everything on the page that there can be."""
    engine = all_engines["chromium"]
    visit(engine, lab)
    engine.run("await lab.runAll(); await lab.fetch(); scrollTo({ top: 0, behavior: 'instant' });")
    window = Window(engine)
    try:
        yield engine, window
    finally:
        window.tell("Emulation.clearDeviceMetricsOverride")
        window.tell("Emulation.setEmulatedMedia", features=[])


def test_nothing_is_wider_than_the_window(window: tuple[Engine, Window], tmp_path: Path) -> None:
    engine, seen = window
    for width, scheme in product(WIDTHS, ("light", "dark")):
        seen.size(width, scheme)

        wider = engine.run(
            """
            await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
            const wide = document.documentElement.clientWidth;
            const all = [...document.querySelectorAll("body *:not(.frame, .skip, .unseen, .unseen *)")];
            const wider = all.filter((one) => one.getBoundingClientRect().right > wide + 0.5);
            return [document.documentElement.scrollWidth > wide, ...wider.map((one) => one.outerHTML.slice(0, 80))];
            """
        )

        screenshot = tmp_path / f"lab-{width}-{scheme}.png"
        seen.screenshot(screenshot)
        assert wider == [False], (width, scheme)
        assert width - 30 <= struct.unpack(">I", screenshot.read_bytes()[16:20])[0] <= width


def test_everything_is_reached_by_keyboard(window: tuple[Engine, Window]) -> None:
    engine, seen = window
    for width in WIDTHS:
        seen.size(width, "light")
        controls = engine.run(CONTROLS)
        engine.run("document.activeElement.blur(); getSelection().removeAllRanges();")

        reached, hidden = [], []
        for _ in range(len(controls) + 2):
            seen.press(TAB)
            place, outlined = engine.run(
                """
                const one = document.activeElement;
                return [one.dataset.place ?? null, getComputedStyle(one).outlineStyle !== "none"];
                """
            )
            reached.append(place)
            hidden += [] if outlined or place is None else [place]

        assert len(controls) > 30
        assert set(controls) <= set(reached), width
        assert hidden == []  # whoever uses the keyboard sees where they are


def test_every_control_has_a_name(window: tuple[Engine, Window]) -> None:
    _, seen = window
    seen.tell("Accessibility.enable")
    nodes = seen.tell("Accessibility.getFullAXTree")["nodes"]
    controls = {"button", "combobox", "textbox", "radio", "link", "region", "table", "image"}

    named = [
        (node["role"]["value"], node["name"]["value"])
        for node in nodes
        if not node.get("ignored") and node.get("role", {}).get("value") in controls
    ]

    assert {role for role, _ in named} >= {"button", "combobox", "textbox", "radio", "table"}
    assert [role for role, name in named if not name.strip() and role != "table"] == []
