"""Chromium and WebKit over W3C WebDriver: https://www.w3.org/TR/webdriver2/, the few commands that the tests need.

Knows how the two drivers are started and what each browser is told beforehand; not what the pages do.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx

from .names import LOOPBACK, names
from .processes import PATIENCE, free_port, home, listens, process, wait_until

CHROMIUM, CHROMEDRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
WEBKIT_DRIVER = "/usr/bin/WebKitWebDriver"
XVFB = "/usr/bin/Xvfb"
MINIBROWSERS = "/usr/lib/*/webkit2gtk-4*/MiniBrowser"

# What these pages load must reach the network as the standard has it, and nothing else may.
FEATURES_OFF = ("HttpsUpgrades", "HttpsFirstBalancedModeAutoEnable", "LocalNetworkAccessChecks", "OptimizationHints")
CHROMIUM_ARGUMENTS = (
    "--headless=new",
    "--no-sandbox",  # without which it does not start as root
    "--disable-dev-shm-usage",
    "--disable-gpu",
    "--no-first-run",
    "--no-default-browser-check",
    "--no-proxy-server",
    "--disable-background-networking",
    "--disable-client-side-phishing-detection",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-domain-reliability",
    "--disable-extensions",
    "--disable-sync",
    "--metrics-recording-only",
    f"--disable-features={','.join(FEATURES_OFF)}",
)
CHROMIUM_PREFERENCES = {"profile.cookie_controls_mode": 0}  # third-party cookies are sent, as the standard has it


class WebDriver:
    """One session of a driver at *address*: the commands that an `Engine` is made of."""

    def __init__(self, address: str, capabilities: dict[str, Any]) -> None:
        self._client = httpx.Client(base_url=address, trust_env=False, timeout=2 * PATIENCE)
        self._wanted = {"acceptInsecureCerts": True, **capabilities}
        self._session = ""
        self.version = ""
        try:
            self._begin()
        except BaseException:
            self._client.close()
            raise

    def navigate(self, url: str) -> None:
        """Load *url*, and wait until it is loaded."""
        self._command("POST", f"{self._session}/url", {"url": url})

    def execute(self, script: str, arguments: Sequence[Any]) -> Any:
        """Run the function body *script*, whose last argument is a function, and return what it calls that with."""
        return self._command("POST", f"{self._session}/execute/async", {"script": script, "args": list(arguments)})

    def clear_cookies(self) -> None:
        """Forget the cookies of all origins. The protocol forgets those of one page, a new session has none at all."""
        self._command("DELETE", self._session)
        self._begin()

    def close(self) -> None:
        """End the session, and the browser with it."""
        with suppress(httpx.HTTPError, RuntimeError):
            self._command("DELETE", self._session)
        self._client.close()

    def _begin(self) -> None:
        begun = self._command("POST", "/session", {"capabilities": {"alwaysMatch": self._wanted}})
        self._session = f"/session/{begun['sessionId']}"
        self.version = begun["capabilities"]["browserVersion"]
        milliseconds = {"script": int(PATIENCE * 1000), "pageLoad": int(PATIENCE * 1000)}
        self._command("POST", f"{self._session}/timeouts", milliseconds)

    def _command(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        response = self._client.request(method, path, json=body)
        value = response.json()["value"]
        if response.status_code != 200:
            raise RuntimeError(f"{value['error']}: {value['message']}")
        return value


@contextmanager
def chromium() -> Iterator[WebDriver]:
    """Yield a session of Chromium."""
    reachable = ("localhost", "*.localhost", LOOPBACK, *names())
    nothing_else = ",".join(("MAP * ~NOTFOUND", *(f"EXCLUDE {name}" for name in reachable)))
    options = {
        "binary": CHROMIUM,
        "args": [*CHROMIUM_ARGUMENTS, f"--host-resolver-rules={nothing_else}"],
        "prefs": CHROMIUM_PREFERENCES,
    }
    with home() as directory, _driver(CHROMEDRIVER, directory, {}) as address:
        driver = WebDriver(address, {"browserName": "chrome", "goog:chromeOptions": options})
        try:
            yield driver
        finally:
            driver.close()


@contextmanager
def webkit() -> Iterator[WebDriver]:
    """Yield a session of WebKitGTK's own small browser, on a screen that nobody sees."""
    environment = {
        "GSETTINGS_BACKEND": "memory",
        "LIBGL_ALWAYS_SOFTWARE": "1",
        "NO_AT_BRIDGE": "1",
        "WEBKIT_DISABLE_COMPOSITING_MODE": "1",
        **dict.fromkeys(("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), ""),
    }
    options = {"binary": minibrowser(), "args": ["--automation"]}
    with home() as directory, _screen(directory) as display:
        environment["DISPLAY"] = display
        with _driver(WEBKIT_DRIVER, directory, environment) as address:
            driver = WebDriver(address, {"browserName": "MiniBrowser", "webkitgtk:browserOptions": options})
            try:
                yield driver
            finally:
                driver.close()


def minibrowser() -> str | None:
    """Return where WebKitGTK's small browser is installed."""
    return next((str(path) for path in sorted(Path("/").glob(MINIBROWSERS[1:]), reverse=True)), None)


@contextmanager
def _driver(program: str, directory: Path, environment: dict[str, str]) -> Iterator[str]:
    port = free_port()
    with process([program, f"--port={port}"], directory, environment) as running:
        wait_until(lambda: listens(port), running, directory)
        yield f"http://{LOOPBACK}:{port}"


@contextmanager
def _screen(directory: Path) -> Iterator[str]:
    """Run an X server, which chooses a display that is free and tells which."""
    reading, writing = os.pipe()
    command = [XVFB, "-displayfd", str(writing), "-screen", "0", "800x600x24", "-nolisten", "tcp"]
    with os.fdopen(reading) as told, process(command, directory, pass_fds=[writing]):
        os.close(writing)
        number = told.readline().strip()
        if not number:
            raise RuntimeError(f"Xvfb did not start: {(directory / 'log').read_text(encoding='utf-8')}")
        yield f":{number}"
