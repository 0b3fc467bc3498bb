"""The CORS-preflight cache (Fetch §4.9): what a preflight allowed, for how long, and to which requests it applies.

An entry holds one method or one header name, and whatever the server listed makes entries, asked for or not. Neither
Access-Control-Allow-Origin nor -Credentials is kept: the actual response is always checked by itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .. import fetch
from .checks import Allowed
from .engines import Difference, Engine


class Key(NamedTuple):
    """What an entry applies to.

    Attributes:
        partition: The network partition: the top-level site that the page belongs to.
        origin: The request's origin as it is sent, ``null`` after a tainted redirect.
        url: The whole URL, with its query.
    """

    partition: str
    origin: str
    url: str


@dataclass(slots=True)
class _Entry:
    stored: float
    max_age: float


# A method, a header name in lower case, or nothing: that there was a preflight at all.
_Kind = Literal["method", "header", "preflight"]
# What an entry is of, and whether it was made for a request with credentials.
_Name = tuple[_Kind, str, bool]


@dataclass(frozen=True, slots=True)
class PreflightCache:
    """The cache of one browser.

    Attributes:
        clock: Seconds since whenever, always rising.
        engine: Whose differences apply.

    >>> cache = PreflightCache(lambda: 0)
    >>> key = Key("https://app.example.com", "https://app.example.com", "https://api.example.com/")
    >>> cache.store(key, False, Allowed(["PUT"], [], max_age=600))
    >>> cache.covers(key, "https://app.example.com", False, "PUT", []), cache.clear()
    (True, None)
    """

    clock: Callable[[], float]
    engine: Engine = Engine.STANDARD
    _entries: dict[Key, dict[_Name, _Entry]] = field(default_factory=dict)

    def covers(
        self, key: Key, origin: str, include: bool, method: str, unsafe_names: Iterable[str], forced: bool = False
    ) -> bool:
        """Return whether a request needs no new preflight (§4.4 HTTP fetch, step 4.2, and §4.9 cache entry match).

        Args:
            key: Of the request.
            origin: The page's own, whatever redirects made of it.
            include: Whether the request's credentials mode is ``include``.
            method: Compared with case.
            unsafe_names: Of headers, in lower case.
            forced: Whether the request is preflighted whatever it is.
        """
        if origin == "null" and self._differs(Difference.UNCACHED_FOR_OPAQUE_ORIGINS):
            return False
        if key.origin != origin and self._differs(Difference.UNCACHED_FOR_TAINTED_ORIGINS):
            return False
        is_whole = self._differs(Difference.CACHED_AS_A_WHOLE)
        if is_whole and not self._matching(key, include, "preflight", ("",)):
            return False
        method_matters = (
            method not in fetch.SAFELISTED_METHODS
            or (forced and not is_whole)
            or (method == "HEAD" and self._differs(Difference.HEAD_CACHED_WHERE_LISTED))
        )
        if method_matters and not self._matching(key, include, "method", self._names(method, include)):
            return False
        return all(self._matching(key, include, "header", self._names(name, include, name)) for name in unsafe_names)

    def store(self, key: Key, include: bool, allowed: Allowed) -> None:
        """Keep what a preflight *allowed* (§4.8 CORS-preflight fetch, the last steps).

        A matching entry gets the new max-age, counted from when it was first stored.
        """
        literally = include and self._differs(Difference.WILDCARD_CACHED_LITERALLY)
        left_out = fetch.WILDCARD if literally or self._differs(Difference.WILDCARD_UNCACHED) else None
        kept: list[tuple[_Kind, str, bool]] = [("preflight", "", False)]
        kept += [("method", method, True) for method in allowed.methods if method != left_out]
        for name in allowed.headers:
            if name != left_out:
                kept.append(("header", fetch.lower_name(name), self.engine.wildcard_covers(name)))
        entries = self._entries.setdefault(key, {})
        for kind, name, wildcard_covers in kept:
            known = self._matching(key, include, kind, (name, fetch.WILDCARD) if wildcard_covers else (name,))
            for entry in known:
                entry.max_age = allowed.max_age
            if not known:
                entries[kind, name, include] = _Entry(self.clock(), allowed.max_age)

    def clear(self, key: Key | None = None) -> None:
        """Forget what was kept for *key* (§4.9 clear cache entries), or everything."""
        if key is None:
            self._entries.clear()
        else:
            self._entries.pop(key, None)

    def _names(self, name: str, include: bool, header: str | None = None) -> tuple[str, ...]:
        """Return what a match may be called: *name* itself, and ``*`` where that covers it."""
        if include and self._differs(Difference.WILDCARD_MATCHED_LITERALLY):
            return (name,)
        spares = self._differs(Difference.CACHED_WILDCARD_SPARES_AUTHORIZATION)
        engine = Engine.STANDARD if spares else self.engine
        return (name, fetch.WILDCARD) if header is None or engine.wildcard_covers(header) else (name,)

    def _matching(self, key: Key, include: bool, kind: _Kind, names: Iterable[str]) -> list[_Entry]:
        """Return the entries that have not expired; one made with credentials serves requests without, too."""
        now = self.clock()
        entries = self._entries.get(key, {})
        by_credentials = self._differs(Difference.CACHED_BY_CREDENTIALS)
        flags = (True,) if include else (False,) if by_credentials else (False, True)
        found = (entries.get((kind, name, flag)) for name in names for flag in flags)
        return [entry for entry in found if entry is not None and now - entry.stored < entry.max_age]

    def _differs(self, difference: Difference) -> bool:
        return difference in self.engine.differences
