"""What a test may ask for, and how it is told that no page can: the options of ``fetch()``, made into a `Request`.

Owns what the options are called and what to write instead of a mistaken one. What is wrong with a request in itself,
`crossorigin.browser.request` says.
"""

import json
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, TypedDict

from .. import fetch
from ..browser import URL, Request, RequestError
from ..browser.messages import Header
from ..browser.request import Credentials, Mode, Redirect, ReferrerPolicy
from ..browser.verdicts import shortened

# What to write where somebody tries to set what browsers do not let a page set.
_INSTEAD = {
    "cookie": "write credentials='include', and the browser's own cookies are sent",
    "host": "give the client a base_url",
    "origin": "give the client the page's origin",
    "referer": "the browser writes it, as referrer_policy says",
}

# What other clients have, and a page's fetch() has not.
_OPTION_INSTEAD = {
    "allow_redirects": "use redirect=",
    "auth": "put an Authorization header into headers=",
    "content": "use body= or json=",
    "cookies": "call the client's set_cookie(), and use credentials='include'",
    "data": "use body= or json=",
    "files": "use body=",
    "follow_redirects": "use redirect=",
    "params": "put them into the URL",
    "timeout": "give it to the client",
}
_JSON_TYPE = ("Content-Type", "application/json")


class FetchOptions(TypedDict, total=False):
    """What a page may say in ``fetch(url, {...})``, under the same names.

    Attributes:
        method: In any case. Browsers upper-case only DELETE, GET, HEAD, OPTIONS, POST and PUT.
        headers: Names and values. A list of pairs keeps duplicates apart. ``None`` for none.
        body: Text is sent as UTF-8, and as ``text/plain`` where no header says otherwise.
        json: Is sent as ``body: JSON.stringify(...)`` with ``Content-Type: application/json``, unless a header names
            another type.
        mode: ``"cors"``, ``"no-cors"`` or ``"same-origin"``.
        credentials: ``"omit"``, ``"same-origin"`` or ``"include"``.
        redirect: ``"follow"``, ``"error"`` or ``"manual"``.
        referrer_policy: As in the ``Referrer-Policy`` header.
        streaming: Whether the body counts as a stream, which makes a preflight necessary.
        upload_listener: Whether the page listens to the upload's progress, which does the same.
    """

    method: str
    headers: Mapping[str, str] | Iterable[Header] | None
    body: str | bytes | None
    json: object
    mode: Mode
    credentials: Credentials
    redirect: Redirect
    referrer_policy: ReferrerPolicy
    streaming: bool
    upload_listener: bool


def request_for(url: str, base: URL, options: FetchOptions) -> Request:
    """Return the request for *url*, which may be relative to *base*.

    Raises:
        RequestError: No page can make it, or a browser would drop a part of it in silence.
        TypeError: There is no such option.

    >>> api = URL.parse("https://api.example.com/")
    >>> request_for("/items", api, {"method": "POST", "json": {"a": 1}}).headers
    (('Content-Type', 'application/json'),)
    >>> request_for("/items", api, {"data": "a=1"})
    Traceback (most recent call last):
    TypeError: fetch() has no data: use body= or json=
    """
    given: dict[str, Any] = {**options}
    for name in given:
        if name not in FetchOptions.__annotations__:
            raise TypeError(f"fetch() has no {shortened(name)}: {_instead_of_option(name)}")
    value = given.pop("json", None)
    if value is None:
        return _request(url, base, given)
    if given.get("body") is not None:
        raise RequestError("a request has one body: give either body or json")
    given["body"] = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()
    request = _request(url, base, given)
    if any(fetch.lower_name(name) == "content-type" for name, _ in request.headers):
        return request
    return _request(url, base, {**given, "headers": [*request.headers, _JSON_TYPE]})


def _request(url: str, base: URL, options: Mapping[str, Any]) -> Request:
    request = Request.of(url, base=str(base), **options)
    for name, _ in request.dropped:
        raise RequestError(_dropped(name, request))
    return request


def _instead_of_option(name: str) -> str:
    known = list(FetchOptions.__annotations__)
    close = get_close_matches(name, known, 1)
    meant = f"use {close[0]}=" if close else f"it has {', '.join(known)}"
    return _OPTION_INSTEAD.get(name, meant)


def _dropped(name: str, request: Request) -> str:
    header = f"the header {shortened(name)}"
    if fetch.is_forbidden_request_header(name, dict(request.dropped)[name]):
        instead = _INSTEAD.get(fetch.lower_name(name), "leave it out")
        return f"no page can set {header}, and browsers drop it in silence: {instead}"
    return f"in mode 'no-cors' no page can set {header} so, and browsers drop it in silence: use mode='cors'"
