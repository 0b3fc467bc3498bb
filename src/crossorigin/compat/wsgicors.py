"""The drop-in for wsgicors 0.7.0: named policies, of which the first that matches a request answers it.

Each becomes a `crossorigin.Policy`, and those before ``deny`` an `AnyOf`: the first that allows the origin decides.
With ``verbmatch``, only those take part whose methods match the request's.
"""

import fnmatch
import re
from collections import namedtuple
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from wsgiref.types import WSGIApplication, WSGIEnvironment

from .. import fetch
from ..answer import Rules
from ..compose import AnyOf, FixedRules
from ..origins import ANY
from ..policy import Policy
from ..wsgi import CORSMiddleware
from . import DropIn, Sealed, translated, warn
from .globs import origins_of

__all__ = ["CORS", "make_middleware"]

DENY = "deny"  # the name of the policy that allows nothing, and hides those behind it
Options = namedtuple("Options", "name origin methods headers expose_headers credentials maxage match")


class CORS(Sealed, CORSMiddleware):
    """WSGI middleware that answers preflights, and adds CORS headers to the responses of *application*.

    Options are *kw* or else *cfg*: ``policy``, ``matchstrategy``, and ``<policy>_origin`` and so on; or *kw* without
    ``policy``, which are those of the only one.

    Raises:
        TypeError, ValueError: If an option is not text, or ``matchstrategy`` is unknown.

    >>> app = CORS(lambda environ, start_response: [], origin="https://*.example.com", methods="GET, PUT")
    >>> app.selectPolicy("https://www.example.com")
    ('direct', 'https://www.example.com')
    """

    uncalled = "matchpattern matchlist selectPolicy"

    def __init__(self, application: WSGIApplication, cfg: Mapping[str, Any] | None = None, **kw: Any) -> None:
        if kw and "policy" not in kw:
            kw = {"policy": "direct"} | {f"direct_{name}": value for name, value in kw.items()}
        cfg = kw or cfg or {}
        self.activepolicies = [name.strip() for name in cfg.get("policy", DENY).split(",")]
        self.matchstrategy = cfg.get("matchstrategy", "firstmatch")
        if self.matchstrategy not in ("firstmatch", "verbmatch"):
            raise ValueError(f"matchstrategy is {self.matchstrategy!r}; write 'firstmatch' or 'verbmatch'")
        self.policies: dict[str, Options] = {}
        self._asked: dict[str, Policy] = {}
        self._rules: dict[tuple[str, ...], Rules] = {}
        for name in self.activepolicies:
            given = {key.removeprefix(f"{name}_"): cfg[key] for key in cfg if key.startswith(f"{name}_")}
            options = self.policies[name] = _options(name, given)
            if DENY in self.policies:
                continue
            origins = [ANY] if options.origin in ("copy", ANY) else map(origins_of, filter(None, options.match))
            credentials, maxage = options.credentials == "true", str(options.maxage or "").strip()
            self._asked[name] = translated(
                f"wsgicors.CORS, policy {name!r},",
                allow_origins=list(origins),
                allow_credentials=credentials,
                allow_methods=[ANY] if ANY in options.methods else list(filter(None, options.methods)),
                allow_headers=_names(options.headers, [ANY, "Authorization"], credentials),
                expose_headers=_names(options.expose_headers, [ANY], credentials),
                max_age=int(maxage) if re.fullmatch("[0-9]{1,9}", maxage) else maxage or None,
            )
        super().__init__(application, self._rules_of(tuple(self._asked)))

    @staticmethod
    def matchpattern(accu: bool, pattern: str, host: str) -> bool:
        """Return whether *accu*, or whether *host* matches *pattern*."""
        return accu or fnmatch.fnmatch(host, pattern)

    @staticmethod
    def matchlist(origin: str, allowed_origins: Iterable[str], case_sensitive: bool = False) -> bool:
        """Return whether *origin*, in lower case if not *case_sensitive*, matches one of *allowed_origins* as text."""
        return any(fnmatch.fnmatch(origin if case_sensitive else origin.lower(), glob) for glob in allowed_origins)

    application = property(lambda self: self.app, lambda self, app: setattr(self, "app", app))

    def selectPolicy(self, origin: str | None, request_method: str | None = None) -> tuple[str, str | None]:  # noqa: N802
        """Return the name of the policy that decides, and the origin that is sent back, or ``None``."""
        names = self._matching(request_method or "")
        name = next((name for name in names if self._is_for(name, origin)), None)
        if name is None:
            return DENY if DENY in self.policies else self.activepolicies[-1], None
        return name, dict(self._asked[name].actual(origin).headers).get(fetch.ALLOW_ORIGIN)

    def rules_for(self, environ: WSGIEnvironment, method: str) -> Rules:
        """Return the rules for a request with *method* (for a preflight, the one that it asks for)."""
        return self._rules_of(self._matching(method))

    def _matching(self, method: str) -> tuple[str, ...]:
        first, policies = self.matchstrategy == "firstmatch", self.policies
        return tuple(name for name in self._asked if first or self.matchlist(method, policies[name].methods, True))

    def _rules_of(self, names: tuple[str, ...]) -> Rules:
        return self._rules.setdefault(names, self._rules.get(names) or _FirstMatch(names, self._asked, self._is_for))

    def _is_for(self, name: str, origin: str | None) -> bool:
        globs = self.policies[name].match
        return self.matchlist(origin, globs) if origin and globs else bool(self.policies[name].origin)


class _FirstMatch(DropIn):
    """The first policy that is for an origin, as text: whatever it says to it, no later policy is asked."""

    def __init__(self, names: tuple[str, ...], asked: Mapping[str, Policy], is_for: Callable[[str, str], bool]) -> None:
        nobody = FixedRules(DENY, "origin-not-allowed")
        super().__init__(AnyOf(*map(asked.__getitem__, names)) if names else nobody)
        self._is_for = is_for
        varied = {name for name in names[1:] if asked[name].actual(None).headers}  # a `*` that is not for all of them
        self._each = {name: AnyOf(nobody, asked[name]) if name in varied else asked[name] for name in names}

    def ruling(self, origin: str | None) -> Rules:
        return next((rules for name, rules in self._each.items() if origin and self._is_for(name, origin)), self.rules)


def make_middleware(app: WSGIApplication, cfg: Mapping[str, Any] | None = None, **kw: Any) -> CORS:
    """Return *app* behind `CORS`, with *cfg* and *kw* as its options: the filter ``egg:crossorigin#wsgicors``."""
    return CORS(app, {**(cfg or {}), **kw})


def _options(name: str, given: Mapping[str, Any]) -> Options:
    if "origin" not in given and (given or name != DENY):
        reason = "has no value for 'origin' set" if given else "hasn't defined any keys; mind upper and lower case"
        warn(f"The policy {name!r} was referenced but {reason}: it allows nothing.")
    texts = [given.get(key) or "" for key in ("origin", "methods", "headers", "expose_headers")]
    if not all(isinstance(text, str) for text in texts):
        raise TypeError(f"the options of policy {name!r} are {given!r}; write each as one str, as in an ini file")
    origin, methods, headers, exposed = texts
    match = [] if origin in ("copy", ANY) else [glob for glob in map(str.strip, origin.split(" ")) if glob != ANY]
    listed = [method.strip() for method in methods.split(",")]
    credentials, maxage = given.get("credentials", "false"), given.get("maxage", "")
    return Options(name, origin, listed, headers, exposed, credentials, maxage, match)


def _names(text: str, star: list[str], credentials: bool) -> list[str]:
    # Beside other names and with credentials, a star is a name like any other, and none that a browser asks for.
    names = filter(None, map(str.strip, text.split(",")))
    return star if text == ANY else [name for name in names if not (name == ANY and credentials)]
