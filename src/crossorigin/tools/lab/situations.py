"""The wall of the lab: the classic mistakes with CORS, and some things that work, each a policy and a request.

Written as data. Policies are TOML, in which ``{app}`` and so on stand for the origins of the lab's pages.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

# The pages by their words, and where each is: host, and whether it is on the second port. The last has no origin.
HOSTS = {
    "app": ("app.localhost", False),
    "localhost": ("localhost", False),
    "other": ("other.localhost", False),
    "evil": ("evil.localhost", False),
    "port": ("app.localhost", True),
}
SANDBOX = "sandbox"

_APP = 'allow_origins = ["{app}"]\n'
_LOGGED_IN = _APP + "allow_credentials = true\n"


@dataclass(frozen=True)
class Situation:
    """One situation.

    Attributes:
        key: A word for it, unique.
        name: What happens, in a few words.
        lesson: What to take from it, in a sentence.
        policy: The policy, as text.
        expects: ``"allowed"``, the code of the browser's refusal, or that of the finding for which the policy cannot be
            built. ``None`` where engines differ.
        page: Which page fetches.
        method: As the page writes it.
        headers: The headers that the page sets.
        credentials: The credentials mode.
        path: The path of the API.
    """

    key: str
    name: str
    lesson: str
    policy: str
    expects: str | None
    page: str = "app"
    method: str = "GET"
    headers: tuple[tuple[str, str], ...] = ()
    credentials: str = "same-origin"
    path: str = "/items"

    def at(self, origins: Mapping[str, str]) -> "Situation":
        """Return the situation with *origins* in its policy."""
        policy = self.policy
        for word, origin in origins.items():
            policy = policy.replace(f"{{{word}}}", origin)
        return replace(self, policy=policy)

    def request(self) -> dict[str, Any]:
        """Return what the page asks for, as data."""
        return {
            "page": self.page,
            "method": self.method,
            "headers": [list(pair) for pair in self.headers],
            "credentials": self.credentials,
            "path": self.path,
        }


_TOKEN = (("Authorization", "Bearer secret"),)

# fmt: off
SITUATIONS: tuple[Situation, ...] = (
    Situation("works", "PUT with a token, all allowed",
              "A preflight asks for the method and the header, and the policy lists both.",
              _LOGGED_IN + 'allow_methods = ["PUT", "DELETE"]\nallow_headers = ["Authorization"]\n', "allowed",
              method="PUT", headers=_TOKEN, credentials="include"),
    Situation("scheme", "Origin without its scheme",
              "An origin is scheme, host and port, as the browser sends it.",
              'allow_origins = ["app.localhost"]\n', "origin-scheme-missing"),
    Situation("slash", "Origin with a final slash",
              "Browsers send an origin without a path, and it is compared as a whole.",
              'allow_origins = ["{app}/"]\n', "origin-path"),
    Situation("port", "The same host on another port",
              "Another port is another origin.", _APP, "allow-origin-missing", page="port"),
    Situation("evil", "A page that is not listed",
              "No header is sent to an origin that is not allowed, and the browser keeps the response.", _LOGGED_IN,
              "allow-origin-missing", page="evil", credentials="include"),
    Situation("post", "An evil page posts",
              "The server did the work: CORS hides a response, it does not stop a simple request. That takes "
              "enforce=True or a CSRF token.", _LOGGED_IN, "allow-origin-missing", page="evil", method="POST",
              credentials="include"),
    Situation("sandbox", "A sandboxed frame: null",
              "Every sandboxed frame of every website has the origin null.", _APP, "allow-origin-missing",
              page=SANDBOX),
    Situation("star-credentials", "'*' and credentials in a policy",
              "Any website could act as the visitor: the policy is not built.",
              'allow_origins = ["*"]\nallow_credentials = true\n', "any-origin-with-credentials"),
    Situation("star-include", "'*', and the page sends cookies",
              "'*' never counts for a request that includes credentials.",
              'allow_origins = ["*"]\n', "allow-origin-wildcard", credentials="include"),
    Situation("credentials", "Credentials not allowed",
              "A page that includes credentials needs allow_credentials = true.",
              _APP, "allow-credentials-missing", credentials="include"),
    Situation("patch", "patch in lower case",
              "Browsers upper-case six methods, and PATCH is not one of them.",
              _APP + 'allow_methods = ["PATCH"]\n', "method-case", method="patch"),
    Situation("method", "A method that is not listed",
              "GET, HEAD and POST always pass; every other method must be listed.",
              _APP + 'allow_methods = ["PUT"]\n', "method-not-allowed", method="DELETE"),
    Situation("header", "A header that is not listed",
              "Each header that a page adds must be listed, but for a few safelisted ones.",
              _APP + 'allow_headers = ["Authorization"]\n', "header-not-allowed",
              headers=(*_TOKEN, ("X-Debug", "1"))),
    Situation("json", "JSON in a POST",
              "Content-Type: application/json is not safelisted: list Content-Type.", _APP, "header-not-allowed",
              method="POST", headers=(("Content-Type", "application/json"),)),
    Situation("star-token", "Authorization under '*'",
              "By the standard '*' does not cover Authorization; all engines still let it pass.",
              _APP + 'allow_headers = ["*"]\n', None, headers=_TOKEN),
    Situation("hidden", "A response header not exposed",
              "The page gets the response, and does not see X-Total-Count.", _APP, "allowed"),
    Situation("exposed", "A response header exposed",
              "expose_headers lets the page see X-Total-Count.",
              _APP + 'expose_headers = ["X-Total-Count"]\n', "allowed"),
    Situation("subdomains", "Every subdomain, evil ones too",
              "A wildcard trusts whoever gets a name there.",
              'allow_origins = ["http://*.localhost:*"]\n', "allowed", page="evil"),
    Situation("fails", "The handler raises",
              "The 500 carries the headers too, so that the page sees a 500 and not a puzzle.",
              _APP, "allowed", path="/fails"),
    Situation("missing", "404 after a preflight",
              "A preflight is answered before routing; then the page sees the 404.",
              _APP + 'allow_methods = ["PUT"]\n', "allowed", method="PUT", path="/missing"),
    Situation("moved", "A redirect",
              "Every response on the way needs the headers, the redirect as well.", _APP, "allowed", path="/moved"),
)
# fmt: on
