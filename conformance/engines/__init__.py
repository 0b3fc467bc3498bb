"""Three real browser engines from Debian, headless: what is needed to start one, and what a test asks of it.

Knows nothing of CORS. An engine loads a page and runs JavaScript in it; `network` beside it serves the pages. Each is
driven over the protocol that it speaks by itself: Chromium and WebKitGTK over W3C WebDriver, Firefox over Marionette.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, NamedTuple, Protocol
from urllib.parse import urlsplit

from .marionette import FIREFOX, firefox
from .webdriver import CHROMEDRIVER, CHROMIUM, WEBKIT_DRIVER, XVFB, chromium, minibrowser, webkit


class Driver(Protocol):
    """What the protocols have in common."""

    version: str

    def navigate(self, url: str) -> None: ...

    def execute(self, script: str, arguments: Sequence[Any]) -> Any: ...

    def clear_cookies(self) -> None: ...


class _Kind(NamedTuple):
    start: Callable[[], AbstractContextManager[Driver]]
    packages: tuple[str, ...]
    programs: Callable[[], tuple[str | None, ...]]


_KINDS = {
    "chromium": _Kind(chromium, ("chromium", "chromium-driver"), lambda: (CHROMIUM, CHROMEDRIVER)),
    "firefox": _Kind(firefox, ("firefox-esr",), lambda: (FIREFOX,)),
    "webkit": _Kind(webkit, ("webkit2gtk-driver", "xvfb"), lambda: (WEBKIT_DRIVER, minibrowser(), XVFB)),
}
ENGINES = tuple(_KINDS)

# A promise's value, or what it was rejected with, for a driver that waits until its last argument is called.
_AWAITED = """
const done = arguments[arguments.length - 1];
const given = Array.prototype.slice.call(arguments, 0, -1);
(async function () { %s }).apply(null, given).then(
    (value) => done({ value: value === undefined ? null : value }),
    (error) => done({ error: String(error) }),
);
"""

# A document of an opaque origin, which runs what it is sent. Its own origin is what everything in it is asked for.
_SANDBOXED = """
const [script, given] = arguments;
const frame = document.createElement("iframe");
frame.sandbox = "allow-scripts";
frame.srcdoc = `<!doctype html><script>
    addEventListener("message", async (message) => {
        const [script, given] = message.data;
        const AsyncFunction = (async () => {}).constructor;
        try {
            const value = await new AsyncFunction(script).apply(null, given);
            message.ports[0].postMessage({ value });
        } catch (error) {
            message.ports[0].postMessage({ error: String(error) });
        }
    });
</` + "script>";
const loaded = new Promise((resolve) => { frame.onload = resolve; });
document.documentElement.append(frame);
await loaded;
try {
    const channel = new MessageChannel();
    const answered = new Promise((resolve) => { channel.port1.onmessage = (message) => resolve(message.data); });
    frame.contentWindow.postMessage([script, given], "*", [channel.port2]);
    const answer = await answered;
    if ("error" in answer) throw answer.error;
    return answer.value;
} finally {
    frame.remove();
}
"""


class ScriptError(Exception):
    """What a script in a page threw, in the engine's words."""


class Engine:
    """A running engine with one window.

    Attributes:
        name: Which of `ENGINES` it is.
        version: What it says that its version is.
    """

    def __init__(self, name: str, driver: Driver) -> None:
        self.name = name
        self.version = driver.version
        self._driver = driver

    def visit(self, url: str) -> None:
        """Load the page at *url*, and make sure that it is this page that is there.

        Raises:
            RuntimeError: If the page's origin is not that of *url*. WebKit does not say that a page failed to load.
        """
        self._driver.navigate(url)
        origin = self.run("return self.origin;")
        wanted = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        if origin != wanted:
            raise RuntimeError(f"{self.name} was sent to {url}, and shows a page of the origin {origin}")

    def run(self, script: str, *arguments: Any) -> Any:
        """Run the body of an async function in the page, with *arguments*, and return what it returns.

        Arguments and result are what JSON can say.

        Raises:
            ScriptError: If the script throws, with what it threw.
        """
        answer = self._driver.execute(_AWAITED % script, arguments)
        if "error" in answer:
            raise ScriptError(answer["error"])
        return answer["value"]

    def run_sandboxed(self, script: str, *arguments: Any) -> Any:
        """Run a script as `run` does, but in a sandboxed frame of the page, whose origin is opaque: ``null``."""
        return self.run(_SANDBOXED, script, arguments)

    def clear_cookies(self) -> None:
        """Forget the cookies of all origins. Visit a page afterwards: the window may be a new one."""
        self._driver.clear_cookies()


def missing(name: str) -> str | None:
    """Return why the engine *name* cannot run here, or nothing if it can."""
    kind = _KINDS[name]
    if all(program is not None and Path(program).exists() for program in kind.programs()):
        return None
    return f"{name} is not installed: apt-get install --no-install-recommends {' '.join(kind.packages)}"


def packages() -> list[str]:
    """Return Debian's packages of the engines that cannot run here."""
    return [package for name, kind in _KINDS.items() if missing(name) for package in kind.packages]


@contextmanager
def start(name: str) -> Iterator[Engine]:
    """Start the engine *name*, and end it with all its processes at the end of the block.

    Raises:
        RuntimeError: If it does not start, with what it printed.
    """
    with _KINDS[name].start() as driver:
        yield Engine(name, driver)
