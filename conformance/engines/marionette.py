"""Firefox over Marionette, the protocol of its own that geckodriver translates WebDriver to.

Debian has no geckodriver, and the protocol is small: over a TCP connection of loopback go JSON arrays, each behind its
length in bytes and a colon; ``[0, id, command, parameters]`` is answered by ``[1, id, error, result]``.
"""

import json
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from .names import LOOPBACK
from .processes import PATIENCE, home, process, wait_until

FIREFOX = "/usr/bin/firefox-esr"

# What these pages load must reach the network as the standard has it, and nothing else may.
PREFERENCES: dict[str, bool | int | str] = {
    "marionette.port": 0,  # a free one, which it writes into its profile
    "remote.prefs.recommended": True,
    "network.cookie.cookieBehavior": 0,  # third-party cookies are sent, as the standard has it
    "network.lna.enabled": False,
    "dom.security.https_first": False,
    "dom.security.https_first_schemeless": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "network.dns.disablePrefetch": True,
    "network.http.speculative-parallel-limit": 0,
    "network.prefetch-next": False,
    "network.proxy.type": 0,
    "network.trr.mode": 5,
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "datareporting.policy.dataSubmissionPolicyBypassNotification": True,
    "extensions.getAddons.cache.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "services.settings.server": "data:,#none/v1",
    "toolkit.telemetry.server": "",
}


class Marionette:
    """One session at *port*: the commands that an `Engine` is made of."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection((LOOPBACK, port), timeout=2 * PATIENCE)
        self._stream = self._socket.makefile("rb")
        self._number = 0
        try:
            self._message()  # which says who is there
            capabilities = self._command("WebDriver:NewSession", {"acceptInsecureCerts": True})["capabilities"]
            self.version: str = capabilities["browserVersion"]
            milliseconds = {"script": int(PATIENCE * 1000), "pageLoad": int(PATIENCE * 1000)}
            self._command("WebDriver:SetTimeouts", milliseconds)
        except BaseException:
            self._disconnect()
            raise

    def navigate(self, url: str) -> None:
        """Load *url*, and wait until it is loaded."""
        self._command("WebDriver:Navigate", {"url": url})

    def execute(self, script: str, arguments: Sequence[Any]) -> Any:
        """Run the function body *script*, whose last argument is a function, and return what it calls that with."""
        return self._command("WebDriver:ExecuteAsyncScript", {"script": script, "args": list(arguments)})["value"]

    def clear_cookies(self) -> None:
        """Forget the cookies of all origins."""
        self._command("Marionette:SetContext", {"value": "chrome"})
        try:
            self._command("WebDriver:ExecuteScript", {"script": "Services.cookies.removeAll()", "args": []})
        finally:
            self._command("Marionette:SetContext", {"value": "content"})

    def close(self) -> None:
        """End the browser."""
        with suppress(OSError, RuntimeError):
            self._command("Marionette:Quit", {"flags": ["eForceQuit"]})
        self._disconnect()

    def _disconnect(self) -> None:
        self._stream.close()
        self._socket.close()

    def _command(self, name: str, parameters: dict[str, Any]) -> Any:
        self._number += 1
        sent = json.dumps([0, self._number, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(sent), sent))
        kind, number, error, result = self._message()
        if (kind, number) != (1, self._number):
            raise RuntimeError(f"Firefox answered {number}, not {self._number}")
        if error:
            raise RuntimeError(f"{error['error']}: {error['message']}")
        return result

    def _message(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            byte = self._stream.read(1)
            if not byte:
                raise RuntimeError("Firefox closed the connection")
            length += byte
        return json.loads(self._stream.read(int(length[:-1])))


@contextmanager
def firefox() -> Iterator[Marionette]:
    """Yield a session of Firefox."""
    with home() as directory:
        profile = directory / "profile"
        profile.mkdir()
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in PREFERENCES.items())
        (profile / "user.js").write_text("".join(lines), encoding="utf-8")
        command = [FIREFOX, "--headless", "--no-remote", "--profile", str(profile)]
        command += ["--marionette", "--remote-allow-system-access"]  # which `clear_cookies` needs
        with process(command, directory, {"MOZ_CRASHREPORTER_DISABLE": "1"}) as running:
            wait_until(lambda: _port(profile) is not None, running, directory)
            driver = Marionette(_port(profile) or 0)
            try:
                yield driver
            finally:
                driver.close()
                with suppress(Exception):
                    running.wait(PATIENCE / 3)


def _port(profile: Path) -> int | None:
    with suppress(OSError, ValueError):
        return int((profile / "MarionetteActivePort").read_text(encoding="ascii"))
    return None
