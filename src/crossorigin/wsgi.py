"""The WSGI adapter: one policy in front of any WSGI application.

Carries only: reads a few values of the environment, asks the policy, writes the answer where the application calls
``start_response``. WSGI is PEP 3333, whose section names the comments cite.
"""

from __future__ import annotations  # those of a function inside of another are else worked out at each request

import sys
import time
from collections.abc import Callable, Hashable, Iterable, Iterator
from http import HTTPStatus
from itertools import chain
from typing import TYPE_CHECKING

from .adapter import WRITTEN, Adapter, Asked
from .answer import INITIALS, Answer, Header, Reply, Rules, cors_lines, error_reply, inner_answer, write
from .compose import NO_CORS
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
        import inspect  # noqa: PLC0415 - so late, since it takes a while to load (P5)

        super().__init__(policy, preflight_status=preflight_status, enforce=enforce, observe=observe)
        if policy.is_async:
            raise TypeError("allow_origin_check is async, and WSGI cannot await it; write it as a plain def")
        self.app = app
        if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(getattr(app, "__call__", None)):  # noqa: B004
            raise TypeError(f"app is {app!r}, an ASGI application; import CORSMiddleware from crossorigin.asgi")
        inner = getattr(app, "wsgi_app", app)  # Flask's idiom: app.wsgi_app = CORSMiddleware(app.wsgi_app, policy)
        self._inner = inner if isinstance(inner, CORSMiddleware) else None
        is_plain = self._inner is None and not self.redefines(CORSMiddleware, "read rules_for reply quiet_until")
        self._memory: Memory[str, Header] | None = Memory() if is_plain and is_pure(policy) else None

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Serve one request, as WSGI has it."""
        memory = self._memory
        if memory is None:
            memory = self.memory_at(environ)
        outcome = question = None
        if memory is not None:
            # The fast path (P1): what was decided when the same was asked in the very same words.
            question = environ.get("HTTP_ORIGIN")
            if question is not None and environ["REQUEST_METHOD"] == "OPTIONS":
                question = _words(environ)
            outcome = memory.get(question)
            if outcome is not None and outcome.until is not None and outcome.until <= time.monotonic():
                outcome = None
        if outcome is None:
            outcome = self._decide(environ, memory, question)
        app, answer, lines, reply = self.app, outcome.answer, outcome.lines, outcome.reply
        if reply is not None:
            if answer is None:
                start_response(reply[0], [*reply[1]])
                return [reply[2]] if reply[2] else []
            app = _sending(*reply)
        elif answer is None:
            return app(environ, start_response)
        written: list[tuple[Header, ...]] | None = environ.get(WRITTEN)
        is_inner = written is not None
        if written is None:
            written = environ[WRITTEN] = []

        def start(status: str, headers: list[Header], exc_info: OptExcInfo | None = None, /) -> Write:
            if lines is not None and not written and type(headers) is list:  # others may be gone after a look
                for name, _ in headers:
                    if not name or name[0] in INITIALS:
                        headers = _answered(headers, answer, written)
                        break
                else:  # there is nothing to replace or to merge with
                    headers = [*headers, *lines]
            else:
                headers = _answered(headers, answer, written)
            if is_inner:
                written[:] = [cors_lines(headers)]
            else:
                environ.pop(WRITTEN, None)  # whoever outside of us tries again with the same environment starts anew
            return start_response(status, headers) if exc_info is None else start_response(status, headers, exc_info)

        try:
            body = app(environ, start)
        except Exception as error:
            if _fail(start, environ):
                raise  # servers and error trackers still see it
            return chain([error_reply().body], map(_reraise, [error]))
        if isinstance(body, (list, tuple)):
            return body  # cannot fail here, and servers do more with these than iterate over them
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(wrapper, type) and isinstance(body, wrapper):
            return body
        return _Body(body, start, environ)

    def _decide(
        self, environ: WSGIEnvironment, memory: Memory[str, Header] | None, question: Hashable
    ) -> Outcome[str, Header]:
        """Return what becomes of a request, and keep it in *memory* as what became of *question*."""
        asked = self.read(environ)
        rules = self.rules_for(environ, asked.method)
        answer = asked.of(rules)
        if answer is None:
            return Outcome(None)
        reply = self.reply(rules, asked, answer)
        sent = None if reply is None else _on_the_wire(reply)
        until = self.quiet_until(asked, answer)
        outcome: Outcome[str, Header]
        if asked.kind == "preflight":
            outcome = Outcome(None, reply=sent, until=until)
        else:
            outcome = Outcome(answer, None if answer.block.expose_all else tuple(write((), answer)), sent, until)
        if memory is not None:
            memory.keep(question, outcome)
        return outcome

    def memory_at(self, environ: WSGIEnvironment) -> Memory[str, Header] | None:
        """Return what is remembered for the rules of *environ*, where there is no one memory for all requests."""
        return None

    def read(self, environ: WSGIEnvironment) -> Asked:
        """Return what the request of *environ* asks of the rules."""
        return read(environ)

    def rules_for(self, environ: WSGIEnvironment, method: str) -> Rules:
        """Return the rules for a request with *method* (for a preflight, the one that it asks for).

        Directly around another `CORSMiddleware` they are that one's: the inner policy decides (S11).
        """
        return self.policy if self._inner is None else self._inner.rules_for(environ, method)


class Answering(CORSMiddleware):
    """Gives all responses of an application the one answer that somebody else got, and told of."""

    def __init__(self, app: WSGIApplication, answer: Answer) -> None:
        super().__init__(app, NO_CORS)
        self._outcome: Outcome[str, Header] = Outcome(answer)

    def _decide(
        self, environ: WSGIEnvironment, memory: Memory[str, Header] | None, question: Hashable
    ) -> Outcome[str, Header]:
        return self._outcome


def _answered(headers: list[Header], answer: Answer, written: list[tuple[Header, ...]]) -> list[Header]:
    """Return *headers* with *answer* written into them, unless an inner adapter, by what is *written*, did that."""
    headers = list(headers)
    if written and not answer.block.keep and cors_lines(headers) == written[0]:
        return write(headers, inner_answer(answer)) if not written[0] else headers
    return write(headers, answer)


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


def _sending(status: str, headers: tuple[Header, ...], body: bytes) -> WSGIApplication:
    """Return an application whose response this is."""

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


def question_of(environ: WSGIEnvironment) -> Hashable:
    """Return the question that the request of *environ* asks.

    >>> question_of({"REQUEST_METHOD": "GET", "HTTP_HOST": "a.example", "HTTP_ORIGIN": "https://app.example.com"})
    ('https://app.example.com',)
    """
    return _words(environ) if environ["REQUEST_METHOD"] == "OPTIONS" else (environ.get("HTTP_ORIGIN"),)


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
