"""Plain WSGI: the API behind `crossorigin.wsgi.CORSMiddleware`."""

from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from ....answer import Rules
from ....wsgi import CORSMiddleware
from .. import api
from ..journal import Journal, play_of
from ..rules import PLAY


def build(rules: Rules, journal: Journal) -> Callable[..., Iterable[bytes]]:
    """Return the application."""
    app = CORSMiddleware(_serve, rules)

    def told(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        def start_told(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            journal.note(
                environ["REQUEST_METHOD"],
                environ["PATH_INFO"],
                environ.get("QUERY_STRING", ""),
                [(_name(key), value) for key, value in environ.items() if key.startswith("HTTP_")],
                int(status[:3]),
                headers,
            )
            return start_response(status, headers, exc_info)

        PLAY.set(play_of(environ.get("QUERY_STRING", "")))
        origin = environ.get("HTTP_ORIGIN")
        if not api.is_own([environ.get("HTTP_HOST", "")], [] if origin is None else [origin]):
            return _reply(environ, start_response, api.MISDIRECTED)
        return app(environ, start_told)

    return told


def _serve(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    return _reply(environ, start_response, api.answer(environ["PATH_INFO"], environ.get("QUERY_STRING", "")))


def _reply(environ: dict[str, Any], start_response: Callable[..., Any], reply: api.Reply) -> Iterable[bytes]:
    length = ("Content-Length", str(len(reply.body)))
    start_response(f"{reply.status} {HTTPStatus(reply.status).phrase}", [*reply.headers, length])
    return [reply.body] if environ["REQUEST_METHOD"] != "HEAD" else []


def _name(key: str) -> str:
    return key.removeprefix("HTTP_").replace("_", "-").title()
