"""The Kui adapter: a policy on a route or a group of routes, or in front of a whole application, on ASGI and on WSGI.

Carries only. `cors` is Kui middleware: it takes a view and returns another, which writes the answer into the response
that the view gives. `setup` puts one of the two generic adapters between a Kui application and everything in it, and
looks up which routes have a policy of their own. Knows Kui, and nothing of origins.
"""

import copy
import functools
import inspect
from collections.abc import Callable, Hashable, Iterator, MutableMapping
from typing import Any, TypeVar, cast

import kui.asgi
import kui.wsgi
from kui.utils import is_coroutine_callable

from . import asgi, wsgi
from .adapter import WRITTEN, Adapter, Asked, wrapped
from .answer import Answer, Header, Rules, WireHeader, cors_lines, cors_wire_lines, write
from .compose import NO_CORS
from .decisions import Observer
from .memory import Memories, Memory, Outcome, is_pure

View = Callable[[], Any]
Application = TypeVar("Application", kui.asgi.Kui, kui.wsgi.Kui)

_ADAPTER = "__crossorigin_adapter__"  # the attribute in which a view keeps its own
# In the scope or the environment: the policy that covers the request, and the one that wrote into its response.
_COVERED = "crossorigin.kui.covered"
_WRITER = "crossorigin.kui.writer"
_FAILED = "crossorigin.kui.failed"  # the adapter and the answer of the innermost view that raised


def cors(
    policy: Rules | None,
    *,
    preflight_status: int = 204,
    enforce: bool = False,
    websockets: bool = True,
    observe: Observer | None = None,
) -> Callable[[View], View]:
    """Return Kui middleware that enforces *policy*, for routes of `kui.asgi` and of `kui.wsgi`.

    It goes wherever Kui takes middleware: ``HttpRoute(...) @ cors(policy)``, ``Routes(http_middlewares=[...])``, and
    with ``SocketRoute`` too. Where one policy lies around another, the inner one is the only writer (S11). It writes
    into what the view returns, and into what the application's handlers make of an exception that it raises. What never
    gets to a route, such as a 404, and an exception that nobody handles, only `setup` can cover; in an application with
    `setup` its options hold.

    Args:
        policy: A `crossorigin.Policy`, or what is composed of policies; ``None`` for no CORS at all.
        preflight_status: See `crossorigin.adapter.Adapter`, which also says what is raised; so for all options.
        enforce: See there.
        websockets: See there.
        observe: See there.

    Returns:
        Middleware. It raises `TypeError` where it meets a WSGI view and the policy's ``allow_origin_check`` is
        ``async``.

    Example:
        >>> from crossorigin import Policy
        >>> from kui.asgi import HttpRoute, Kui
        >>> async def hello():
        ...     return "hello"
        >>> app = Kui(routes=[HttpRoute("/", hello) @ cors(Policy("https://app.example.com"))])
    """
    given = Adapter(
        NO_CORS if policy is None else policy,
        preflight_status=preflight_status,
        enforce=enforce,
        websockets=websockets,
        observe=observe,
    )

    # A function, not an object: Kui copies groups of routes deeply, their middleware too.
    def cover(view: View) -> View:
        # Around an inner policy it is that one which answers, so that nothing between the two meets a preflight.
        adapter = _adapter_of(view) or given
        if _is_async(view):
            covered: View = _covered_asgi(adapter, view)
        elif adapter.policy.is_async:
            raise TypeError(
                "allow_origin_check is async, and a plain def view cannot await it; write it as a plain def"
            )
        else:
            covered = _covered_wsgi(adapter, view)
        setattr(covered, _ADAPTER, adapter)
        return covered

    return cover


def setup(
    app: Application,
    policy: Rules | None = None,
    *,
    preflight_status: int = 204,
    enforce: bool = False,
    websockets: bool = True,
    observe: Observer | None = None,
) -> Application:
    """Enforce *policy* in front of the whole of *app*, whatever is routed to it later.

    Covers what no route can: 404, ``HTTPException``, unhandled exceptions, and every WebSocket. Routes with a policy of
    their own keep it, for their preflights and all their responses (S11).

    Args:
        app: A Kui application, of either side. It stays the application to serve, and to add routes to.
        policy: A `crossorigin.Policy`, or what is composed of policies; ``None`` for no CORS but on decorated routes.
        preflight_status: See `crossorigin.adapter.Adapter`, which also says what is raised; so for all options.
        enforce: See there.
        websockets: See there. WSGI has no WebSockets.
        observe: See there.

    Returns:
        *app* itself.

    Raises:
        TypeError: If *app* is none of Kui's, or if it is WSGI and ``allow_origin_check`` is ``async``.
        RuntimeError: If *app* was set up before.

    Example:
        >>> from crossorigin import Policy
        >>> from kui.wsgi import Kui
        >>> app = setup(Kui(), Policy("https://app.example.com"))
    """
    if not isinstance(app, (kui.asgi.Kui, kui.wsgi.Kui)):
        raise TypeError(f"app is {app!r}; write setup(Kui(...), policy), a kui.asgi.Kui or a kui.wsgi.Kui")
    if any(isinstance(inner, Adapter) for inner in wrapped(app)):
        raise RuntimeError(
            "setup() was called before for this application; call it once, with AnyOf(...) or ByPath(...)"
        )
    rules = NO_CORS if policy is None else policy
    middleware: Any
    if isinstance(app, kui.asgi.Kui):
        middleware = _ASGIMiddleware(
            app.app, rules, preflight_status=preflight_status, enforce=enforce, websockets=websockets, observe=observe
        )
    else:
        inner: Any = app.app
        middleware = _WSGIMiddleware(inner, rules, preflight_status=preflight_status, enforce=enforce, observe=observe)
    middleware.router = app.router
    app.app = middleware  # type: ignore[method-assign]  # Kui.__call__ hands every request to self.app
    return app


class _ASGIMiddleware(asgi.CORSMiddleware):
    """The ASGI adapter inside of a Kui application: between its ``__call__`` and all the rest of it."""

    router: Any

    def __init__(self, app: Any, policy: Rules, **options: Any) -> None:
        super().__init__(app, policy, **options)
        self._memories: Memories[int, WireHeader] = Memories()

    async def __call__(self, scope: asgi.Scope, receive: asgi.Receive, send: asgi.Send) -> None:
        await super().__call__({**scope}, receive, send)

    def memory_at(self, scope: asgi.Scope) -> Memory[int, WireHeader] | None:
        if scope["method"] == "OPTIONS":
            return None  # a preflight's rules are those of the method that it asks for
        return self._memories.of(self.rules_for(scope, scope["method"]))

    def read(self, scope: asgi.Scope) -> Asked:
        return _read_asgi(scope)

    def rules_for(self, scope: asgi.Scope, method: str) -> Rules:
        adapter = _adapter_at(self.router, scope["type"], scope["path"], method)
        rules: Rules = self.policy if adapter is None else adapter.policy
        scope[_COVERED] = rules
        return rules


class _WSGIMiddleware(wsgi.CORSMiddleware):
    """The WSGI adapter inside of a Kui application: between its ``__call__`` and all the rest of it."""

    router: Any

    def __init__(self, app: Any, policy: Rules, **options: Any) -> None:
        super().__init__(app, policy, **options)
        self._memories: Memories[str, Header] = Memories()

    def memory_at(self, environ: Any) -> Memory[str, Header] | None:
        if environ["REQUEST_METHOD"] == "OPTIONS":
            return None  # a preflight's rules are those of the method that it asks for
        return self._memories.of(self.rules_for(environ, environ["REQUEST_METHOD"]))

    def read(self, environ: Any) -> Asked:
        return _read_wsgi(environ)

    def rules_for(self, environ: Any, method: str) -> Rules:
        adapter = _adapter_at(self.router, "http", environ.get("PATH_INFO", ""), method)
        rules: Rules = self.policy if adapter is None else adapter.policy
        environ[_COVERED] = rules
        return rules


def _read_asgi(scope: asgi.Scope) -> Asked:
    return asgi.read(scope)._replace(path=scope["path"])  # S19: Kui routes on all of it, whatever root_path says


def _read_wsgi(environ: Any) -> Asked:
    return wsgi.read(environ)._replace(path=environ.get("PATH_INFO", ""))  # Kui routes on it undecoded


def _adapter_at(router: Any, protocol: str, path: str, method: str) -> Adapter | None:
    """Return the adapter of the route for *method* on *path*, if it has one."""
    try:
        _, view = router.search(protocol, path)
    except Exception:  # no route, or a parameter that cannot be converted: Kui is going to meet it, too
        return None
    methods = getattr(view, "__methods__", None)
    if methods is not None:
        # A class of views has middleware around each of its methods; what it refuses goes with its OPTIONS.
        view = getattr(view, method.lower() if method in methods else "options", None)
    return _adapter_of(view)


def _adapter_of(view: object) -> Adapter | None:
    """Return the innermost adapter that `cors` put around *view*, as far as Kui tells what it wraps."""
    return next((adapter for layer in _layers(view) if (adapter := getattr(layer, _ADAPTER, None)) is not None), None)


def _layers(view: object) -> Iterator[object]:
    seen: set[int] = set()
    while view is not None and id(view) not in seen:
        seen.add(id(view))
        yield view
        view = getattr(view, "__raw_handler__", None) or getattr(view, "__wrapped__", None)


def _is_async(view: object) -> bool:
    # A class of sockets is called for an object to await.
    return inspect.iscoroutinefunction(view) or is_coroutine_callable(cast(View, view)) or hasattr(view, "__await__")


class _Remembering(Memory[int, Header]):
    """What became of the latest questions to one adapter, where that may be remembered."""

    def __init__(self, adapter: Adapter) -> None:
        self._adapter = adapter
        self._is_pure = is_pure(adapter.policy)

    def outcome(self, asked: Asked, answer: Answer | None, question: Hashable) -> Outcome[int, Header]:
        """Return what becomes of what was *asked*, and keep it as what became of *question*, if there is one."""
        if answer is None:
            return Outcome(None)
        reply = self._adapter.reply(self._adapter.policy, asked, answer)
        sent = None if reply is None else (reply.status, tuple(reply.headers), reply.body)
        outcome = Outcome(answer, None, sent, self._adapter.quiet_until(asked, answer))
        if self._is_pure and question is not None:
            self.keep(question, outcome)
        return outcome


def _covered_asgi(adapter: Adapter, view: View) -> View:
    remembering = _Remembering(adapter)

    async def covered() -> Any:
        connection: Any = kui.asgi.http_connection_var.get()
        if connection.get(_COVERED) is adapter.policy:
            return await view()
        is_socket = isinstance(connection, kui.asgi.WebSocket)
        question = None if is_socket else asgi.question_of(connection)
        outcome = None if question is None else remembering.recall(question)
        if outcome is None:
            asked = _read_asgi(connection)
            outcome = remembering.outcome(asked, await asked.of_async(adapter.policy), question)
        answer, reply = outcome.answer, outcome.reply
        if answer is None:
            return await view()
        if is_socket:
            if reply is None:
                return await view()
            await connection.receive()  # ASGI, websocket: closing behind websocket.connect refuses with 403
            return await connection.close(1008)
        if reply is not None:
            return _written(connection, adapter, _plain(kui.asgi.PlainTextResponse, *reply))
        covered_by, connection[_COVERED] = connection.get(_COVERED), adapter.policy
        try:
            response = kui.asgi.convert_response(await view())
        except BaseException:
            _record(kui.asgi, connection, adapter, answer)
            raise
        finally:
            connection[_COVERED] = covered_by  # middleware may call the view once more
        if _WRITER in connection and connection[_WRITER] is not adapter.policy:
            return response
        return _written(connection, adapter, _answered(kui.asgi, response, answer))

    return covered


def _covered_wsgi(adapter: Adapter, view: View) -> View:
    remembering = _Remembering(adapter)

    def covered() -> Any:
        connection: Any = kui.wsgi.http_connection_var.get()
        if connection.get(_COVERED) is adapter.policy:
            return view()
        question = wsgi.question_of(connection)
        outcome = remembering.recall(question)
        if outcome is None:
            asked = _read_wsgi(connection)
            outcome = remembering.outcome(asked, asked.of(adapter.policy), question)
        answer, reply = outcome.answer, outcome.reply
        if answer is None:
            return view()
        if reply is not None:
            return _written(connection, adapter, _plain(kui.wsgi.PlainTextResponse, *reply))
        covered_by, connection[_COVERED] = connection.get(_COVERED), adapter.policy
        try:
            response = kui.wsgi.convert_response(view())
        except BaseException:
            _record(kui.wsgi, connection, adapter, answer)
            raise
        finally:
            connection[_COVERED] = covered_by  # middleware may call the view once more
        if _WRITER in connection and connection[_WRITER] is not adapter.policy:
            return response
        return _written(connection, adapter, _answered(kui.wsgi, response, answer))

    return covered


def _record(side: Any, connection: Any, adapter: Adapter, answer: Answer) -> None:
    """Have what the application's handler makes of an exception leave with *answer*, unless an inner one is there."""
    connection.setdefault(_FAILED, (adapter, answer))
    middleware = connection.app.exception_middleware
    if "lookup_handler" not in vars(middleware):  # looked up when there is an exception: it holds from the first on
        middleware.lookup_handler = functools.partial(_answering_handler, side, middleware.lookup_handler)


def _answering_handler(side: Any, look_up: Callable[[BaseException], Any], error: BaseException) -> Any:
    handler, connection = look_up(error), side.http_connection_var.get()
    failed = connection.pop(_FAILED, None)
    if handler is None or failed is None:
        return handler
    adapter, answer = failed

    def answered(response: Any) -> Any:
        return _written(connection, adapter, _answered(side, side.convert_response(response), answer))

    async def handle_async(error: BaseException) -> Any:
        return answered(await handler(error))

    return handle_async if side is kui.asgi else lambda error: answered(handler(error))


def _written(connection: MutableMapping[str, Any], adapter: Adapter, response: Any) -> Any:
    """Return *response*, and have whatever lies around, in Kui or in front of it, leave it alone (S11)."""
    connection[_WRITER] = adapter.policy
    written = connection.get(WRITTEN)
    if written is not None and hasattr(response, "headers"):
        lines = [(name, value) for name, value in (response.headers or {}).items()]
        wire = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines]
        written[:] = [cors_wire_lines(wire) if "type" in connection else cors_lines(lines)]
    return response


def _plain(kind: Callable[..., Any], status: int, headers: tuple[Header, ...], body: bytes) -> Any:
    response = kind(body, status, dict(headers))
    response.media_type = ""  # the reply has its own, or no body
    return response


def _answered(side: Any, response: Any, answer: Answer) -> Any:
    """Return *response* with *answer* in its headers, and leave the original as it was: a view may give it to all."""
    if isinstance(response, side.HttpResponse):
        response = copy.copy(response)
        response.headers = type(response.headers)(_rewritten(response.headers, answer))
        return response
    # The other things that Kui takes for a response are applications of their own, and have no headers yet.
    answering: Any = asgi.Answering if side is kui.asgi else wsgi.Answering

    class Enclosed(side.HttpResponse):  # type: ignore[misc]
        def __call__(self, connection: Any, *channels: Any) -> Any:
            # A request of its own: whatever has a policy in there is an inner writer.
            inside = {key: value for key, value in connection.items() if key != _WRITER}
            return answering(response, answer)(inside, *channels)

    return Enclosed()


def _rewritten(headers: Any, answer: Answer) -> dict[str, str]:
    # Kui keeps the names in lower case, one line each.
    lines = [(name, headers[name]) for name in headers or ()]
    return {name.lower(): value for name, value in write(lines, answer)}
