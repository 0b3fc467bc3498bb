"""The CORS-preflight cache (Fetch §4.9): what a preflight allowed, for how long, and to which requests it applies.

An entry holds one method or one header name, and whatever the server listed makes entries, asked for or not. Neither
Access-Control-Allow-Origin nor -Credentials is kept: the actual response is always checked by itself.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from .. import fetch


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
        by_credentials: Whether entries made with credentials serve requests with credentials alone, against the
            standard.
    """

    clock: Callable[[], float]
    by_credentials: bool = False
    _entries: dict[Key, dict[_Name, _Entry]] = field(default_factory=dict)

    def has_any(self, key: Key, credentials: bool) -> bool:
        """Return whether anything is kept that serves such a request, be it an empty list."""
        return bool(self._matching(key, credentials, "preflight", ("",)))

    def has_method(self, key: Key, credentials: bool, method: str, wildcard_covers: bool) -> bool:
        """Return whether *method* needs no new preflight (§4.9 method cache entry match).

        Args:
            key: Of the request.
            credentials: Whether the request's credentials mode is ``include``.
            method: Compared with case.
            wildcard_covers: Whether a ``*`` covers it.
        """
        return bool(self._matching(key, credentials, "method", _names(method, wildcard_covers)))

    def has_header(self, key: Key, credentials: bool, name: str, wildcard_covers: bool) -> bool:
        """Return whether the header *name* needs no new preflight (§4.9 header-name cache entry match).

        Args:
            key: Of the request.
            credentials: Whether the request's credentials mode is ``include``.
            name: In lower case.
            wildcard_covers: Whether a ``*`` covers it.
        """
        return bool(self._matching(key, credentials, "header", _names(name, wildcard_covers)))

    def store(
        self,
        key: Key,
        credentials: bool,
        methods: Iterable[str],
        headers: Iterable[str],
        max_age: float,
        wildcard_covers: Callable[[str], bool],
    ) -> None:
        """Keep what a preflight allowed (§4.8 CORS-preflight fetch, the last steps).

        A matching entry gets the new *max_age*, in seconds, counted from when it was first stored.
        """
        entries = self._entries.setdefault(key, {})
        names: list[tuple[_Kind, str, bool]] = [("preflight", "", False)]
        names += [("method", method, True) for method in methods]
        names += [("header", name, wildcard_covers(name)) for name in map(fetch.lower_name, headers)]
        for kind, name, is_covered in names:
            known = self._matching(key, credentials, kind, _names(name, is_covered))
            for entry in known:
                entry.max_age = max_age
            if not known:
                entries[kind, name, credentials] = _Entry(self.clock(), max_age)

    def clear(self, key: Key | None = None) -> None:
        """Forget what was kept for *key* (§4.9 clear cache entries), or everything."""
        if key is None:
            self._entries.clear()
        else:
            self._entries.pop(key, None)

    def _matching(self, key: Key, credentials: bool, kind: _Kind, names: Iterable[str]) -> list[_Entry]:
        """Return the entries that have not expired; one made with credentials serves requests without, too."""
        now = self.clock()
        entries = self._entries.get(key, {})
        flags = (True,) if credentials else (False,) if self.by_credentials else (False, True)
        found = (entries.get((kind, name, flag)) for name in names for flag in flags)
        return [entry for entry in found if entry is not None and now - entry.stored < entry.max_age]


def _names(name: str, wildcard_covers: bool) -> tuple[str, ...]:
    return (name, fetch.WILDCARD) if wildcard_covers else (name,)
