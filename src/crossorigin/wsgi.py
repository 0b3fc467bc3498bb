"""The WSGI adapter: one policy in front of any WSGI application.

Carries only: reads a few values of the environment, asks the policy, writes the answer where the application calls
``start_response``. WSGI is PEP 3333, whose section names the comments cite.
"""

from __future__ import annotations  # those of a function inside of another are else worked out at each request

import inspect
import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

from .adapter import WRITTEN, Adapter, Asked
from .answer import Answer, Header, Reply, Rules, cors_lines, error_reply, inner_answer, write
from .decisions import Observer
from .fetch import REQUEST_NAMES
from .memory import Memory, Outcome, is_pure

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

    Write = Callable[[bytes], object]


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
        app: WSGIApplication,
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
        is_plain = (type(self).read, type(self).rules_for) == (CORSMiddleware.read, CORSMiddleware.rules_for)
        self._memory: Memory[str, Header] | None = (
            Memory() if is_plain and not self._inner and is_pure(policy) else None
        )

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request, as WSGI has it."""
        memory = self._memory
        if memory is None or WRITTEN in environ:
            return self._serve(environ, start_response)
        # The fast path (P1): what `_serve` did when it was asked in the very same words.
        question: Hashable = environ.get("HTTP_ORIGIN")
        if question is not None and environ["REQUEST_METHOD"] == "OPTIONS":
            question = _words(environ)
        outcome = memory.get(question)
        if outcome is None or not (outcome.until is None or time.monotonic() < outcome.until):
            return self._serve(environ, start_response, question)
        if outcome.reply is not None:
            reply_status, reply_headers, reply_body = outcome.reply
            start_response(reply_status, [*reply_headers])
            return [reply_body] if reply_body else []
        written: list[tuple[Header, ...]] = []
        environ[WRITTEN] = written  # until the response starts

        def start(status: str, headers: list[Header], exc_info: OptExcInfo | None = None, /) -> Write:
            environ.pop(WRITTEN, None)
            for name, _ in headers:
                if not name or name[0] in _OURS:
                    headers = _answered(headers, outcome.answer, written)
                    break
            else:
                headers = _answered(headers, outcome.answer, written) if written else [*headers, *outcome.lines]
            return start_response(status, headers) if exc_info is None else start_response(status, headers, exc_info)

        try:
            body = self.app(environ, start)
        except Exception as error:
            return _failed(error, start, environ)
        return body if isinstance(body, list) else _watched(body, start, environ)

    def _serve(
        self, environ: WSGIEnvironment, start_response: StartResponse, question: Hashable = None
    ) -> Iterable[bytes]:
        """Serve one request, and keep what became of its *question* for the next time."""
        asked = self.read(environ)
        rules = self.rules_for(environ, asked.method)
        answer = asked.of(rules)
        if answer is None:
            return self.app(environ, start_response)
        reply = self.reply(rules, asked, answer)
        is_preflight = reply is not None and asked.kind == "preflight"
        if self._memory is not None and not answer.block.expose_all:
            sent = _on_the_wire(reply) if reply is not None and is_preflight else None
            outcome = Outcome(answer, tuple(write((), answer)), sent, self.quiet_until(asked, answer))
            self._memory.keep(question, outcome)
        app = self.app if reply is None else sending(reply)
        return app(environ, start_response) if is_preflight else serve(app, answer, environ, start_response)

    def read(self, environ: WSGIEnvironment) -> Asked:
        """Return what the request of *environ* asks of the rules."""
        return read(environ)

    def rules_for(self, environ: WSGIEnvironment, method: str) -> Rules:
        """Return the rules for a request with *method* (for a preflight, the one that it asks for).

        Directly around another `CORSMiddleware` they are that one's: the inner policy decides (S11).
        """
        return self.policy if self._inner is None else self._inner.rules_for(environ, method)


def serve(
    app: WSGIApplication, answer: Answer, environ: WSGIEnvironment, start_response: StartResponse
) -> Iterable[bytes]:
    """Run *app*, and let its response leave with *answer*; or a plain 500, if it raises before there is one (S12)."""
    is_inner = WRITTEN in environ
    written: list[tuple[Header, ...]] = environ.setdefault(WRITTEN, [])

    def start(status: str, headers: list[Header], exc_info: OptExcInfo | None = None, /) -> Write:
        headers = _answered(headers, answer, written)
        if is_inner:
            written[:] = [cors_lines(headers)]
        else:
            environ.pop(WRITTEN, None)  # whoever outside of us tries again with the same environment starts anew
        return start_response(status, headers) if exc_info is None else start_response(status, headers, exc_info)

    try:
        body = app(environ, start)
    except Exception as error:
        return _failed(error, start, environ)
    return _watched(body, start, environ)


def _answered(headers: list[Header], answer: Answer, written: list[tuple[Header, ...]]) -> list[Header]:
    """Return *headers* with *answer* written into them, unless an inner adapter, by what is *written*, did that."""
    if written and not answer.block.keep and cors_lines(headers) == written[0]:
        return write(headers, inner_answer(answer)) if not written[0] else headers
    return write(headers, answer)


def _failed(error: Exception, start: StartResponse, environ: WSGIEnvironment) -> Iterable[bytes]:
    """Answer for an application that raised *error*, and raise it on, so that servers and error trackers see it."""
    if _fail(start, environ):
        raise error
    return chain([error_reply().body], map(_reraise, [error]))


def _watched(body: Iterable[bytes], start: StartResponse, environ: WSGIEnvironment) -> Iterable[bytes]:
    """Return *body*, watched if it may fail. Servers do more with a list or a file than iterate over it."""
    wrapper = environ.get("wsgi.file_wrapper")
    if isinstance(body, (list, tuple)) or (isinstance(wrapper, type) and isinstance(body, wrapper)):
        return body
    return _Body(body, start, environ)


def _fail(start: StartResponse, environ: WSGIEnvironment) -> bool:
    """Start a plain 500 in place of the response that failed (S12).

    Return whether its body is on its way, too. A server without PEP 3333's ``write`` takes that by iteration only.

    Raises:
        Exception: The one that made it fail, if some of the response has left: then the server raises it once more.
    """
    reply = error_reply()
    # PEP 3333, "Error Handling": exc_info lets headers that were announced, but not sent, be replaced.
    given: object = start("500 Internal Server Error", reply.headers, sys.exc_info())
    if not callable(given):
        return False
    given(b"" if environ["REQUEST_METHOD"] == "HEAD" else reply.body)
    return True


def sending(reply: Reply) -> WSGIApplication:
    """Return an application whose response is *reply*."""
    status, headers, body = _on_the_wire(reply)

    def send_reply(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        start_response(status, [*headers])
        return [body] if body and environ["REQUEST_METHOD"] != "HEAD" else []

    return send_reply


def _on_the_wire(reply: Reply) -> tuple[str, tuple[Header, ...], bytes]:
    phrase = HTTPStatus(reply.status).phrase if reply.status in _STATUSES else "OK"
    return f"{reply.status} {phrase}", tuple(reply.headers), reply.body


def read(environ: WSGIEnvironment) -> Asked:
    """Return what the request of *environ* asks of the rules. Servers have joined the lines of each header."""

    def lines(name: str) -> list[str]:
        value = environ.get(_ENVIRON_NAMES[name])
        return [] if value is None else [value]

    return Asked.read(
        "actual", environ["REQUEST_METHOD"], routed_path(environ), environ.get("wsgi.url_scheme", "http"), lines
    )


_STATUSES = frozenset(HTTPStatus)
_OURS = frozenset("aAvV")  # how the names begin of what an answer replaces or merges with: CORS headers and Vary
_ENVIRON_NAMES = {name: f"HTTP_{name.upper().replace('-', '_')}" for name in REQUEST_NAMES}


def _words(environ: WSGIEnvironment) -> Hashable:
    """Return all that the rules look at in a preflight, in the order of `REQUEST_NAMES`."""
    get = environ.get
    return (
        get("HTTP_ORIGIN"),
        get("HTTP_ACCESS_CONTROL_REQUEST_METHOD"),
        get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS"),
        get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK"),
    )


def routed_path(environ: WSGIEnvironment) -> str:
    r"""Return the path that the application routes on, ``PATH_INFO`` (S19), with the text that its bytes encode.

    PEP 3333 has the server decode the bytes as Latin-1, whatever they are; they are UTF-8.

    >>> routed_path({"PATH_INFO": "/b\u00c3\u00bccher"})
    '/bücher'
    """
    path: str = environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


class _Body:
    """A response's body, watched until the first data leave: an exception before that becomes a 500 (S12)."""

    __slots__ = ("_body", "_environ", "_iterator", "_start")

    def __init__(self, body: Iterable[bytes], start: StartResponse, environ: WSGIEnvironment) -> None:
        self._body = body
        self._start: StartResponse | None = start  # until something has left
        self._environ = environ
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
            if self._start is None or _fail(self._start, self._environ):
                raise
            self._start = None
            self._iterator = map(_reraise, [error])
            return error_reply().body
        if data:
            self._start = None
        return data

    def close(self) -> None:
        """Close the application's body, as servers do whatever happened."""
        close = getattr(self._body, "close", None)
        if close is not None:
            close()


def _reraise(error: Exception) -> bytes:
    raise error
