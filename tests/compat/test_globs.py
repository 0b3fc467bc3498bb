"""Globs over origins allow what their authors meant, never what leaves its place, and never more than `fnmatch`."""

import fnmatch
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossorigin import Policy, PolicyError
from crossorigin.compat.globs import origins_of
from crossorigin.origins import ANY, Origin, OriginSet

SPELLED = {
    "*": "*",
    "**": "*",
    "https://*": "https://*:*",
    "https://*.example.com": "https://*.example.com",
    "https://*.example.com:8443": "https://*.example.com:8443",
    "https://*.example.com*": "https://*.example.com:*",
    "http://localhost*": "http://localhost:*",
    "https://example.com*": "https://example.com:*",
    "http://localhost*:3000": "http://localhost:3000",
    "https://www.example.com": "https://www.example.com",
    "null": "null",
}

# What matches, and what does not: none of it malformed, since a policy looks at no malformed origin.
MATCHES: dict[str, tuple[str, str]] = {
    "http://localhost:*": ("http://localhost:8000 http://localhost:1", "http://localhost http://localhost.evil.com:80"),
    "http://localhost:800*": (
        "http://localhost:800 http://localhost:8000 http://localhost:8009",
        "http://localhost:80 http://localhost:9000 http://localhost",
    ),
    "http://localhost*": (
        "http://localhost http://localhost:3000",
        "http://localhost.evil.com http://localhostevil.com http://localhost.evil.com:3000 http://localhost5",
    ),
    "https://example.com*": (
        "https://example.com https://example.com:8443",
        "https://example.com.evil.com https://example.community https://example.comevil.com https://example.com.",
    ),
    "http://192.168.*": (
        "http://192.168.0.1 http://192.168.1.250:8080",
        "http://192.168.evil.com http://192.168.0.1.evil.com http://192.168.1.1.evil.com:80",
    ),
    "http://192.168.*:8080": ("http://192.168.0.1:8080", "http://192.168.0.1 http://192.168.evil.com:8080"),
    "http://10.0.?.1": ("http://10.0.7.1", "http://10.0.77.1"),
    "https://*example.com": (
        "https://example.com https://www.example.com https://a.b.example.com",
        "https://evilexample.com https://evil-example.com https://example.com:8443 http://example.com "
        "https://a.evilexample.com https://example.com.evil.com",
    ),
    "*example.com": (
        "https://example.com http://example.com https://www.example.com capacitor://example.com",
        "https://evilexample.com https://example.com:8443 https://example.com.evil.com",
    ),
    "*example.com*": (
        "https://example.com http://www.example.com:8080",
        "https://evilexample.com https://example.com.evil.com https://example.community",
    ),
    "*.example.com": (
        "https://www.example.com http://a.b.example.com",
        "https://example.com https://www.example.com:8443 https://www.example.com.evil.com",
    ),
    "*localhost": ("http://localhost https://app.localhost", "http://evillocalhost http://localhost:3000"),
    "*.co.uk": ("https://example.co.uk", "https://co.uk https://example.co.uk.evil.com"),
    "*example.co.uk": ("https://example.co.uk https://a.example.co.uk", "https://evilexample.co.uk"),
    "*mine.github.io": ("https://mine.github.io", "https://notmine.github.io"),
    "http*://*.example.com": (
        "https://a.example.com http://b.c.example.com",
        "ftp://a.example.com https://example.com https://a.example.com:8443",
    ),
    "http*://*": ("https://a.example http://[::1]:8080 http://127.0.0.1", "ftp://a.example"),
    "http*": ("https://a.example http://b.example:8080", "ftp://a.example"),
    "*://*": ("https://a.example capacitor://localhost", "null"),
    "*:8080": ("http://a.example:8080 http://[::1]:8080", "http://a.example http://a.example:80"),
    "https://pr-*.example.com": (
        "https://pr-12.example.com https://pr-a.b.example.com",
        "https://xpr-1.example.com https://pr-1.evil.com https://pr-1.example.com:8443 https://pr-1.example.com.evil.com",
    ),
    "https://*-staging.example.com": (
        "https://a-staging.example.com https://x.y-staging.example.com",
        "https://a-staging.evil.com https://a-stagingexample.com https://staging.example.com",
    ),
    "https://*.example.com:*": (
        "https://a.example.com:8443",
        "https://a.example.com https://example.com:8443 https://a.example.com.evil.com:8443",
    ),
    "https://?.example.com": ("https://a.example.com", "https://ab.example.com https://example.com"),
    "https://a?b.example.com": ("https://a-b.example.com", "https://a.b.example.com"),
    "https://example[12].com": ("https://example1.com https://example2.com", "https://example3.com https://example.com"),
    "https://a[!x].example.com": ("https://ay.example.com", "https://ax.example.com https://a.example.com"),
    "https://a[.]example.com": ("", "https://a.example.com"),
    "http://localhost:30[0-9][0-9]": ("http://localhost:3000", "http://localhost:3100 http://localhost:30a0"),
    "http://localhost:300?": ("http://localhost:3001", "http://localhost:300 http://localhost:30011"),
    "http://[::1]:3000": ("", "http://[::1]:3000 http://1:3000"),  # to fnmatch, one character out of ":1"
    "http?://example.com": ("https://example.com", "http://example.com"),
    "http://*.*.example.com": ("http://a.b.example.com", "http://a.example.com http://a.b.evil.com"),
}  # fmt: skip

# What no browser sends, and what would let in whoever registers a name.
REPORTED = """
    example.com https://*.example.com/ https://*.Example.com https://*.example.com:443 file://* ws://*.example.com
    nul? https://pr-*.com https://foo.*.com https://*-staging.com https://example.* https://*.* https://foo-*
    https://pr-*.co.uk https://pr-*.github.io https://pr-*.amazonaws.com https://*.example.com. https://*..example.com
    https://dev* http://intranet* https://a-b* https://*.exämple.com http://[::1 https://*.example.com:99999 https://user@*.example.com
""".split()


@pytest.mark.parametrize("glob", SPELLED)
def test_a_glob_that_is_a_pattern_is_spelled_as_one(glob: str) -> None:
    assert origins_of(glob) == SPELLED[glob]
    assert Policy([SPELLED[glob]], dangerously_allow=["null-origin"]).allow_origins == (SPELLED[glob],)


@pytest.mark.parametrize("glob", MATCHES)
def test_a_glob_allows_what_its_author_meant(glob: str) -> None:
    origins = OriginSet([origins_of(glob)])
    meant, attacks = (side.split() for side in MATCHES[glob])

    assert [origin for origin in meant if origins.judge(origin) != "allowed"] == []
    assert [origin for origin in meant if not fnmatch.fnmatchcase(origin, glob)] == []
    assert [origin for origin in attacks if origins.judge(origin) == "allowed"] == []


@pytest.mark.parametrize("glob", REPORTED)
def test_a_glob_that_means_nothing_safe_is_left_to_the_policy_to_report(glob: str) -> None:
    assert origins_of(glob) == glob
    with pytest.raises(PolicyError):
        Policy([glob])


def test_no_star_reaches_over_the_slashes() -> None:
    for glob in ("https://*.example.com", "*.example.com", "https://*example.com", "http*://*.example.com"):
        assert fnmatch.fnmatchcase("https://evil.com/.example.com", glob)
        assert "https://evil.com/.example.com" not in OriginSet([origins_of(glob)])


def test_a_glob_of_many_stars_is_matched_in_no_time() -> None:
    expression = origins_of(f"https://{'*-' * 6}x.example.com")
    assert isinstance(expression, re.Pattern)
    hostile = f"https://{'-' * 63}.example.com"
    before = time.thread_time()

    assert Origin.parse(hostile) is not None
    assert not expression.fullmatch(hostile)
    assert time.thread_time() - before < 0.5


LABELS = st.sampled_from(
    ["a", "example", "evil", "pr-1", "x_y", "www", "com", "co", "uk", "localhost", "github", "io", "9"]
)
HOSTS = st.lists(LABELS, min_size=1, max_size=4).map(".".join) | st.sampled_from(
    ["localhost", "127.0.0.1", "192.168.1.10", "[::1]", "evilexample.com", "example.com.evil.com"]
)
ORIGINS = st.builds(
    "{}://{}{}".format,
    st.sampled_from(["https", "http", "capacitor"]),
    HOSTS,
    st.sampled_from(["", "", ":8000", ":3000", ":80", ":443", ":1"]),
) | st.sampled_from(["null", "https://evil.com/.example.com", "https://evil.com#.example.com", "https://Example.com"])


@st.composite
def cases(draw: st.DrawFn) -> tuple[str, str]:
    """An origin, and a glob made from one like it: pieces of it are wildcards."""
    origin, pieces = draw(ORIGINS), []
    rest = draw(st.just(origin) | ORIGINS)
    while rest:
        cut = draw(st.integers(1, 8))
        piece, rest = rest[:cut], rest[cut:]
        kind = draw(st.sampled_from(["text", "text", "text", "*", "*", "?", "class", "not", "more"]))
        pieces.append(
            {
                "text": piece,
                "*": ANY,
                "?": "?" * len(piece),
                "class": "".join(f"[{character}x]" for character in piece),
                "not": f"{piece[:-1]}[!q]",
                "more": piece + ANY,
            }[kind]
        )
    return origin, "".join(pieces)


@given(cases())
def test_ours_allows_nothing_that_fnmatch_does_not(case: tuple[str, str]) -> None:
    origin, glob = case

    if is_allowed(origin, glob):
        assert fnmatch.fnmatchcase(origin, glob)


@given(st.text("htps:/*?.[]!-axe1", max_size=20), ORIGINS)
def test_any_text_is_a_glob_and_allows_nothing_that_fnmatch_does_not(glob: str, origin: str) -> None:
    if is_allowed(origin, glob):
        assert fnmatch.fnmatchcase(origin, glob)


@given(st.from_regex("[a-z][a-z0-9]{0,8}", fullmatch=True), st.sampled_from(["com", "co.uk", "github.io", "io"]))
def test_no_star_reaches_a_name_that_a_stranger_can_register(name: str, suffix: str) -> None:
    mine = f"{name}.{suffix}"
    strangers = {
        f"https://*{mine}": [f"evil{mine}", f"evil-{mine}", f"a.evil{mine}"],
        f"*{mine}*": [f"evil{mine}", f"{mine}.evil.com", f"{mine}x", f"{name}.{suffix}-evil.com"],
        f"https://{name}*.{suffix}": [f"{name}evil.{suffix}", f"{name}-evil.{suffix}", f"{name}.evil.{suffix}"],
        f"https://{name}.*.{suffix}": [f"{name}.evil.{suffix}"],
        f"https://{mine}*": [f"{mine}.evil.com", f"{mine}x", f"{mine}.evil"],
        f"https://{name}.*": [f"{name}.evil.com", f"{name}.evil"],
    }

    for glob, hosts in strangers.items():
        assert all(fnmatch.fnmatchcase(f"https://{host}", glob) for host in hosts)
        assert [host for host in hosts if is_allowed(f"https://{host}", glob)] == []


def is_allowed(origin: str, glob: str) -> bool:
    if glob == ANY or set(glob) == {ANY}:
        return True
    try:
        return Policy([origins_of(glob)], dangerously_allow=["null-origin"]).actual(origin).allowed
    except PolicyError:
        return False
