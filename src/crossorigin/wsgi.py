"""The WSGI adapter: one policy in front of any WSGI application.

Carries only: reads a few values of the environment, asks the policy, writes the answer where the application calls
``start_response``. WSGI is PEP 3333, whose section names the comments cite.
"""

import sys
from collections.abc import Callable, Iterable, Iterator
from http.client import responses
from typing import TYPE_CHECKING

from .adapter import Adapter, wrapped
from .answer import Answer, Header, Reply, Rules, preflight_reply, refusal_reply, write
from .decisions import Observer

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

    from _typeshed import OptExcInfo

# In the environment: a list that is empty until a middleware has written its policy's headers into the response (S11).
WRITERS = "crossorigin.writers"

_ERROR = b"Internal Server Error"
_ERROR_HEADERS = [("Content-Type", "text/plain; charset=utf-8"), ("Content-Length", str(len(_ERROR)))]


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
        self._stands_back = any(isinstance(inner, CORSMiddleware) for inner in wrapped(app))

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Serve one request, as WSGI has it."""
        if self._stands_back:
            return self.app(environ, start_response)
        origin: str | None = environ.get("HTTP_ORIGIN")
        if origin is not None and environ["REQUEST_METHOD"] == "OPTIONS":
            method = environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD")
            if method is not None:  # S1: these three together are a preflight, and nothing else is
                return self._answer_preflight(environ, start_response, origin, method)
        return self._answer_actual(environ, start_response, origin)

    def _answer_preflight(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", origin: str, method: str
    ) -> Iterable[bytes]:
        path = routed_path(environ)
        names = environ.get("HTTP_ACCESS_CONTROL_REQUEST_HEADERS")  # servers join the lines of a header themselves
        asked = [] if names is None else [names]
        private = environ.get("HTTP_ACCESS_CONTROL_REQUEST_PRIVATE_NETWORK") == "true"
        answer = self.policy.preflight(origin, path, method, asked, private)
        if answer is None:
            return self.app(environ, start_response)
        self.note_preflight(self.policy, answer, origin, path, method, asked)
        return _send_reply(preflight_reply(answer, self.preflight_status), start_response)

    def _answer_actual(
        self, environ: "WSGIEnvironment", start_response: "StartResponse", origin: str | None
    ) -> Iterable[bytes]:
        path = routed_path(environ)
        answer = self.policy.actual(origin, path)
        if answer is None:
            return self.app(environ, start_response)
        response = _Response(start_response, answer, environ.setdefault(WRITERS, []))
        if origin is not None and not self._admits(environ, answer, origin, path):
            return _send_reply(refusal_reply(answer), response.start)
        try:
            body = self.app(environ, response.start)
        except Exception as error:
            return _Body(map(_reraise, [error]), response)
        wrapper = environ.get("wsgi.file_wrapper")
        if isinstance(body, (list, tuple)) or (isinstance(wrapper, type) and isinstance(body, wrapper)):
            return body  # cannot fail here, and servers do more with these than iterate over them
        return _Body(body, response)

    def _admits(self, environ: "WSGIEnvironment", answer: Answer, origin: str, path: str) -> bool:
        return self.admits(
            "actual",
            self.policy,
            answer,
            origin,
            environ["REQUEST_METHOD"],
            path,
            scheme=environ["wsgi.url_scheme"],
            host=environ.get("HTTP_HOST"),
            fetch_site=environ.get("HTTP_SEC_FETCH_SITE"),
        )


def routed_path(environ: "WSGIEnvironment") -> str:
    r"""Return the path that the application routes on, ``PATH_INFO`` (S19), with the text that its bytes encode.

    PEP 3333 has the server decode the bytes as Latin-1, whatever they are; they are UTF-8.

    >>> routed_path({"PATH_INFO": "/b\u00c3\u00bccher"})
    '/bücher'
    """
    path: str = environ.get("PATH_INFO", "")
    return path if path.isascii() else path.encode("latin-1").decode("utf-8", "replace")


def _send_reply(reply: Reply, start_response: Callable[..., object]) -> Iterable[bytes]:
    start_response(f"{reply.status} {responses.get(reply.status, 'OK')}", reply.headers)
    return [reply.body] if reply.body else []


class _Response:
    """One response on its way out: writes the answer into its headers, and knows whether any of it has left."""

    __slots__ = ("_answer", "_start_response", "_write", "_writers", "sent")

    def __init__(self, start_response: "StartResponse", answer: Answer, writers: list[object]) -> None:
        self._start_response = start_response
        self._answer = answer
        self._writers = writers
        self.sent = False

    def start(
        self, status: str, headers: list[Header], exc_info: "OptExcInfo | None" = None, /
    ) -> Callable[[bytes], object]:
        """Take the place of the server's ``start_response``; called again, with *exc_info*, until data are sent."""
        if not self._writers:
            self._writers.append(self)
        if self._writers[0] is self:
            headers = write(headers, self._answer)
        if exc_info is None:
            self._write = self._start_response(status, headers)
        else:
            self._write = self._start_response(status, headers, exc_info)
        return self.write

    def write(self, data: bytes) -> None:
        """Take the place of the server's ``write`` callable, which sends the headers with the first data."""
        self.sent = True
        self._write(data)


class _Body:
    """A response's body, watched until the first data leave: an exception before that becomes a 500 (S12)."""

    __slots__ = ("_body", "_error", "_iterator", "_response")

    def __init__(self, body: Iterable[bytes], response: _Response) -> None:
        self._body = body
        self._response = response
        self._iterator: Iterator[bytes] | None = None
        self._error: Exception | None = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._error is not None:
            raise self._error  # behind the 500: servers and error trackers still see it
        try:
            if self._iterator is None:
                self._iterator = iter(self._body)
            data = next(self._iterator)
        except StopIteration:
            raise
        except Exception as error:
            if self._response.sent:
                raise
            self._error = error
            # PEP 3333, "Error Handling": exc_info lets headers that were announced, but not sent, be replaced.
            self._response.start("500 Internal Server Error", list(_ERROR_HEADERS), sys.exc_info())
            self._response.sent = True
            return _ERROR
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
