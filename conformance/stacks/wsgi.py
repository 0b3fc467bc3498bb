"""Plain WSGI: the API as an application, behind the policy, and asked as a server asks."""

import io
from collections.abc import Callable, Iterable
from typing import Any

from crossorigin.answer import Rules
from crossorigin.wsgi import CORSMiddleware

from .. import api
from ..messages import Request, Response


def wsgi_api(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """The API as a plain WSGI application."""
    reply = api.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"])
    start_response(f"{reply.status} Whatever", list(reply.headers))
    return list(reply.pieces) if environ["REQUEST_METHOD"] != "HEAD" else []


def serve_wsgi(policy: Rules, **options: Any) -> Callable[..., Iterable[bytes]]:
    """Return the API as a WSGI application behind *policy*."""
    return CORSMiddleware(wsgi_api, policy, **options)


def environ_of(request: Request) -> dict[str, Any]:
    """Return the environment that a WSGI server makes of *request*: repeated headers are joined with a comma."""
    environ: dict[str, Any] = {
        "REQUEST_METHOD": request.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": request.path,
        "QUERY_STRING": "",
        "SERVER_NAME": "api.example.com",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "HTTP_HOST": "api.example.com",
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(request.body),
        "wsgi.errors": io.StringIO(),
        "wsgi.multithread": True,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in request.headers:
        key = "HTTP_" + name.upper().replace("-", "_")
        environ[key] = f"{environ[key]}, {value}" if key in environ else value
    return environ


def ask_wsgi(app: Callable[..., Iterable[bytes]], request: Request) -> Response:
    """Play *request* on a WSGI application, as a server would (PEP 3333)."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    sent: list[bytes] = []

    def write(data: bytes) -> None:
        assert started, "write() before start_response()"
        sent.append(data)

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Callable[[bytes], None]:
        assert type(headers) is list, "PEP 3333: a list of tuples"
        assert all(type(line) is tuple and len(line) == 2 for line in headers)
        if started:
            assert exc_info, "start_response() called twice without exc_info"
            if any(sent):
                raise exc_info[1].with_traceback(exc_info[2])
        started[:] = [(status, headers)]
        return write

    body: Iterable[bytes] = ()
    error = None
    try:
        body = app(environ_of(request), start_response)
        for data in body:
            assert started, "data before start_response()"
            write(data)
    except Exception as raised:
        error = raised
    finally:
        close = getattr(body, "close", None)
        if close is not None:
            close()
    if not started or (error is not None and not sent):
        raise AssertionError("the application sent no response") from error
    status, headers = started[0]
    return Response(int(status.split()[0]), tuple(headers), b"".join(sent), error)
