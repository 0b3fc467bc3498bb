"""Suite "the lab": what its page really does in each engine, and how it looks and is used in Chromium."""

import base64
import json
import struct
from collections.abc import Callable, Iterator
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from conformance.engines import Engine
from crossorigin import Policy
from crossorigin.tools.lab import Lab, running_lab
from crossorigin.tools.lab.bench import Bench
from crossorigin.tools.lab.situations import SITUATIONS

WIDTHS = (360, 800, 1400)
TAB = {"key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9}
CONTROLS = """
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
        form.dispatchEvent(new Event("input", { bubbles: true }));
        return [lab.state(), location.hash];
        """
    )

    visit(engine, lab, fragment)

    assert engine.run("return lab.state();") == state
    assert state["page"] == "evil"
    assert state["policy"].startswith("# ü & #")
    assert "localhost" not in fragment  # the ports of another lab are others


@pytest.mark.parametrize("policy", ["", "# {app} {=app} {==evil} {{port}} {none}\n{http://app.localhost:1}"])
def test_every_policy_survives_the_address(engine: Engine, lab: Lab, policy: str) -> None:
    visit(engine, lab)
    fragment = engine.run(
        f"""
        const origin = document.getElementById("page").options[0].text;
        document.getElementById("policy").value = {json.dumps(policy)} && {json.dumps(policy)} + origin;
        document.getElementById("request").dispatchEvent(new Event("input", {{ bubbles: true }}));
        return location.hash;
        """
    )

    visit(engine, lab, fragment)

    origin = lab.bench.setup()["pages"]["app"]
    assert "policy=" in fragment
    assert engine.run("return lab.state().policy;") == (policy and policy + origin)


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


def test_a_policy_that_is_changed_meanwhile_is_played_once_more(
    engine: Engine, lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    visit(engine, lab)
    prepare, asked = Bench.prepare, []

    async def overtaken(bench: Bench, *arguments: Any) -> dict[str, Any]:
        asked.append(arguments)
        told = await prepare(bench, *arguments)
        if len(asked) == 1:
            bench.rules.replace(Policy([]))
        return told

    monkeypatch.setattr(Bench, "prepare", overtaken)
    engine.run("await lab.fetch();")

    assert len(asked) == 2
    assert engine.run("return document.getElementById('verdict').textContent;").startswith("All three agree")


def test_an_expression_that_could_stop_the_lab_is_refused_in_words(engine: Engine, lab: Lab) -> None:
    visit(engine, lab)

    told = engine.run(
        """
        document.getElementById("policy").value = "allow_origins = [{ regex = 'https://(a+)+' }]";
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
