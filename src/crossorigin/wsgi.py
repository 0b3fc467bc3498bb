"""The WSGI adapter: one policy in front of any WSGI application.

Carries only: reads a few values of the environment, asks the policy, writes the answer where the application calls
``start_response``. WSGI is PEP 3333, whose section names the comments cite.
"""

import inspect
import sys
from collections.abc import Callable, Iterable, Iterator
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

from .adapter import WRITTEN, Adapter, Asked
from .answer import Answer, Header, Reply, Rules, cors_lines, error_reply, inner_answer, write
from .decisions import Observer
from .fetch import REQUEST_NAMES

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo


class CORSMiddleware(Adapter):
    """Enforces a policy in front of a WSGI application.

    Preflights are answered here, before routing, authentication and redirects (S2). Every other response leaves with
    the policy's headers, an unhandled exception's too (S12).

    Args:
        app: The application.
        policy: A `crossorigin.Policy`, or whatever composes policies, without an ``async`` check.
        options: Those of `crossorigin.adapter.Adapter`, which also says what is raised.

    Raises:
        TypeError: If the policy's ``allow_origin_check`` is ``async``: there is nothing here that could await it.

    Example:
        >>> from crossorigin import Policy
        >>> def app(environ, start_response):
        ...     start_response("200 OK", [("Content-Type", "text/plain")])
        ...     return [b"hello"]
        >>> app = CORSMiddleware(app, Policy("https://app.example.com"))
    """

    def __init__(
        self,
        app: "WSGIApplication",
        policy: Rules,
        *,
        preflight_status: int = 204,
        enforce: bool = False,
        observe: Observer | None = None,
    ) -> None:
        super().__init__(policy, preflight_status=preflight_status, enforce=enforce, observe=observe)
        if policy.is_async:
            raise TypeError("allow_origin_check is async, and WSGI cannot await it; write it as a plain def")
        self.app = app
        if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004
            raise TypeError(f"app is {app!r}, an ASGI application; import CORSMiddleware from crossorigin.asgi")
        inner = getattr(app, "wsgi_app", app)  # Flask's idiom: app.wsgi_app = CORSMiddleware(app.wsgi_app, policy)
        self._inner = inner if isinstance(inner, CORSMiddleware) else None

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request, as WSGI has it."""
        asked = self.read(environ)
        rules = self.rules_for(environ, asked.method)
        answer = asked.of(rules)
        if answer is None:
            return self.app(environ, start_response)
        reply = self.reply(rules, asked, answer)
        if asked.kind == "preflight" and reply is not None:
            return sending(reply)(environ, start_response)
        return serve(self.app if reply is None else sending(reply), answer, environ, start_response)

    def read(self, environ: "WSGIEnvironment") -> Asked:
        """Return what the request of *environ* asks of the rules."""
        return read(environ)

    def rules_for(self, environ: "WSGIEnvironment", method: str) -> Rules:
        """Return the rules for a request with *method* (for a preflight, the one that it asks for).

        Directly around another `CORSMiddleware` they are that one's: the inner policy decides (S11).
        """
        return self.policy if self._inner is None else self._inner.rules_for(environ, method)


def serve(
    app: "WSGIApplication", answer: Answer, environ: "WSGIEnvironment", start_response: "StartResponse"
) -> Iterable[bytes]:
    """Run *app*, and let its response leave with *answer*; or a plain 500, if it raises before there is one (S12)."""
    response = _Response(start_response, answer, environ)
    try:
        body = app(environ, response.start)
    except Exception as error:
        if response.fail():
            raise  # servers and error trackers still see it
        return chain([error_reply().body], map(_reraise, [error]))
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(body, (list, tuple)) or (isinstance(wrapper, type) and isinstance(body, wrapper)):
        return body  # cannot fail here, and servers do more with these than iterate over them
    return _Body(body, response)


def sending(reply: Reply) -> "WSGIApplication":
    """Return an application whose response is *reply*."""

    def send_reply(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        phrase = HTTPStatus(reply.status).phrase if reply.status in _STATUSES else "OK"
        start_response(f"{reply.status} {phrase}", reply.headers)
        return [reply.body] if reply.body and environ["REQUEST_METHOD"] != "HEAD" else []

    return send_reply


def read(environ: "WSGIEnvironment") -> Asked:
    """Return what the request of *environ* asks of the rules. Servers have joined the lines of each header."""

    def lines(name: str) -> list[str]:
        value = environ.get(_ENVIRON_NAMES[name])
        return [] if value is None else [value]

    return Asked.read(
        "actual", environ["REQUEST_METHOD"], routed_path(environ), environ.get("wsgi.url_scheme", "http"), lines
    )


_STATUSES = frozenset(HTTPStatus)
_ENVIRON_NAMES = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in REQUEST_NAMES}


def routed_path(environ: "WSGIEnvironment") -> str:
    r"""Return the path that the application routes on, ``PATH_INFO`` (S19), with the text that its bytes encode.

    PEP 3333 has the server decode the bytes as Latin-1, whatever they are; they are UTF-8.

    >>> routed_path({"PATH_INFO": "/b\u00c3\u00bccher"})
    '/bücher'
    """
    path: str = environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


class _Response:
    """One response on its way out: writes the answer into its headers, and knows whether any of it has left."""

    __slots__ = ("_answer", "_environ", "_is_head", "_is_inner", "_start_response", "_write", "_written", "sent")

    def __init__(self, start_response: "StartResponse", answer: Answer, environ: "WSGIEnvironment") -> None:
        self._start_response = start_response
        self._answer = answer
        self._environ = environ
        self._is_head = environ["REQUEST_METHOD"] == "HEAD"
        self._is_inner = WRITTEN in environ
        self._written: list[tuple[Header, ...]] = environ.setdefault(WRITTEN, [])
        self.sent = False

    def start(
        self, status: str, headers: list[Header], exc_info: "OptExcInfo | None" = None, /
    ) -> Callable[[bytes], object]:
        """Take the place of the server's ``start_response``; called again, with *exc_info*, until data are sent."""
        if self._written and not self._answer.block.keep and cors_lines(headers) == self._written[0]:
            headers = write(headers, inner_answer(self._answer)) if not self._written[0] else headers
        else:
            headers = write(headers, self._answer)
            if self._is_inner:
                self._written[:] = [cors_lines(headers)]
        if not self._is_inner:
            self._environ.pop(WRITTEN, None)  # whoever outside of us tries again with the same environment starts anew
        if exc_info is None:
            self._write = self._start_response(status, headers)
        else:
            self._write = self._start_response(status, headers, exc_info)
        return self.write

    def write(self, data: bytes) -> None:
        """Take the place of the server's ``write`` callable, which sends the headers with the first data."""
        self.sent = True
        self._write(data)

    def fail(self) -> bool:
        """Start a plain 500 in place of the response that failed, unless some of it has left (S12).

        Return whether its body is on its way, too. A server without PEP 3333's ``write`` takes that by iteration only.
        """
        if self.sent:
            return True
        reply = error_reply()
        # PEP 3333, "Error Handling": exc_info lets headers that were announced, but not sent, be replaced.
        self.start("500 Internal Server Error", reply.headers, sys.exc_info())
        self.sent = True
        given: object = self._write
        if not callable(given):
            return False
        self._write(b"" if self._is_head else reply.body)
        return True


class _Body:
    """A response's body, watched until the first data leave: an exception before that becomes a 500 (S12)."""

    __slots__ = ("_body", "_iterator", "_response")

    def __init__(self, body: Iterable[bytes], response: _Response) -> None:
        self._body = body
        self._response = response
        self._iterator: Iterator[bytes] | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            data = next(self._iterator)
        except StopIteration:
            raise
        except Exception as error:
            if self._response.fail():
                raise
            self._iterator = map(_reraise, [error])
            return error_reply().body
        if data:
            self._response.sent = True
        return data

    def close(self) -> None:
        """Close the application's body, as servers do whatever happened."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


def _reraise(error: Exception) -> bytes:
    raise error
