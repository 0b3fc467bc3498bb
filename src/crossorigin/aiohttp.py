"""The aiohttp adapter: one policy for an application, and others for its sub-applications, handlers and views.

Carries only: finds the innermost policy that covers a request, asks it, and writes its answer when aiohttp prepares the
response. No route is added: a middleware, the outermost one, answers preflights and keeps out what the guards refuse;
the signal ``on_response_prepare``, which aiohttp sends for whatever response goes out, writes the headers (S12).
"""

import functools
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, NamedTuple, TypeVar

from aiohttp import hdrs, web

from . import fetch
from .adapter import RULES, Adapter, Asked, checked, mark
from .answer import Answer, Rules, write
from .compose import NO_CORS, FixedRules
from .decisions import Observer

_Marked = TypeVar("_Marked")

# What aiohttp adds to every response by itself. As on other stacks, this is nothing that the application exposes (S8).
_ADDED = frozenset({"connection", "date", "server", "transfer-encoding"})


def setup(
    app: web.Application,
    policy: Rules | None = None,
    *,
    preflight_status: int = 204,
    enforce: bool = False,
    websockets: bool = True,
    observe: Observer | None = None,
) -> None:
    """Enforce *policy* in front of *app*: all its routes, added before or after, and its sub-applications.

    Preflights are answered before all other middlewares (S2). Every response leaves with the policy's headers, error
    pages and those of the router, too (S12). WebSocket handshakes from foreign origins are refused (S17). A
    sub-application with its own `setup`, and what is marked with `cors`, is covered by that policy alone (S11).

    Args:
        app: The application, before it starts, and before it is added to another one.
        policy: A `crossorigin.Policy`, or what is composed of policies. ``None`` allows no origin: for applications
            in which only what is marked with `cors` has a policy.
        preflight_status: See `crossorigin.adapter.Adapter`, as for the other options.
        enforce: See there.
        websockets: See there.
        observe: See there.

    Raises:
        TypeError: If *app* is no `aiohttp.web.Application`, or for what `crossorigin.adapter.Adapter` raises it.
        ValueError: For what `crossorigin.adapter.Adapter` raises it.
        RuntimeError: If *app* has a policy already, or can no longer be changed.

    Example:
        >>> from crossorigin import Policy
        >>> app = web.Application()
        >>> setup(app, Policy("https://app.example.com"))
    """
    given: object = app  # whatever its type says
    if not isinstance(given, web.Application):
        raise TypeError(f"app is {given!r}, no aiohttp.web.Application; write setup(app, policy)")
    if _ADAPTER in app:
        raise RuntimeError("setup() was called twice for one application; call it once, with AnyOf(...) or ByPath(...)")
    if app.pre_frozen:
        raise RuntimeError("the application cannot be changed any more; call setup() before add_subapp() or run_app()")
    adapter = _ApplicationAdapter(
        checked(policy), preflight_status=preflight_status, enforce=enforce, websockets=websockets, observe=observe
    )
    app[_ADAPTER] = adapter
    app.middlewares.insert(0, adapter.guard)
    app.on_response_prepare.append(_write_headers)


def cors(policy: Rules | None) -> Callable[[_Marked], _Marked]:
    """Return a decorator that gives a handler, a method of a class-based view, or a whole view its own policy.

    It marks what it decorates, and changes nothing else about it, so that its place among other decorators does not
    matter as long as they keep a function's attributes, as `functools.wraps` does. The application needs `setup`, whose
    options hold here, too. A method's policy goes before its view's; a view's holds for views that inherit from it.
    Called with a route or a resource of the router, static ones among them, it gives these a policy: a handler's own
    goes before its route's, and that before its resource's, which covers a 405, too.

    Args:
        policy: A `crossorigin.Policy`, or what is composed of policies; ``None`` for no CORS at all, and
            `crossorigin.LEAVE` for a handler that answers its preflights and sets its CORS headers by itself.

    Raises:
        TypeError: If *policy* is not a policy. The decorator raises it for what cannot be marked.
        RuntimeError: The decorator raises it for what is marked with another policy already.

    Example:
        >>> from crossorigin import Policy
        >>> routes = web.RouteTableDef()
        >>> @routes.get("/feed")
        ... @cors(Policy("*"))
        ... async def feed(request):
        ...     return web.json_response([])
        >>> images = cors(Policy("*"))(web.Application().router.add_static("/images", "."))
    """
    rules = checked(policy)

    def decorate(target: _Marked) -> _Marked:
        mark(target, rules)
        return target

    return decorate


class ByMethod(FixedRules):
    """A policy for each method: that of the request, or the one that a preflight asks for.

    Goes where this adapter takes a policy, for all methods of a resource or of a view. Not into `crossorigin.AnyOf` or
    `crossorigin.ByPath`, where it allows nothing: of the two questions that they pass on, one does not tell the method.

    Args:
        rules: Methods, each with a `crossorigin.Policy` (or what is composed of policies), `crossorigin.LEAVE`, or
            ``None`` for no CORS.
        default: The same for all other methods.

    Raises:
        TypeError: If one of them is not a policy, or another `ByMethod`.
        ValueError: If a method is not spelled as it is sent.

    Attributes:
        rules: The rules by method. What is changed here holds from the next request on.
        default: The rules for all other methods.

    Example:
        >>> from crossorigin import Policy
        >>> rules = ByMethod({"PUT": Policy("https://admin.example.com", allow_methods=["PUT"])}, default=Policy("*"))
        >>> items = cors(rules)(web.Application().router.add_resource("/items"))
    """

    def __init__(self, rules: Mapping[str, Rules | None], default: Rules | None = None) -> None:
        super().__init__("ByMethod", "path-uncovered")
        for method in rules:
            if method not in hdrs.METH_ALL and (not fetch.is_token(method) or method != method.upper()):
                raise ValueError(f"ByMethod has rules for {method!r}; write the method as it is sent, such as 'PUT'")
        if any(isinstance(policy, ByMethod) for policy in (default, *rules.values())):
            raise TypeError("ByMethod holds another ByMethod; write one, with a policy for each method")
        self.rules = {method: checked(policy) for method, policy in rules.items()}
        self.default = checked(default)

    def at(self, method: str) -> Rules:
        """Return the rules for *method*."""
        return self.rules.get(method, self.default)

    def __repr__(self) -> str:
        return f"ByMethod({self.rules!r}, default={self.default!r})"


class _Decided(NamedTuple):
    """What a request asked of the innermost policy that covers it, and the answer.

    The answer is ``None`` where nobody may write CORS headers but the handler itself.
    """

    adapter: "_ApplicationAdapter"
    rules: Rules
    asked: Asked
    answer: Answer | None


class _ApplicationAdapter(Adapter):
    """What `setup` puts into an application."""

    @web.middleware
    async def guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer preflights, and what a guard keeps out, in the application's place."""
        # Where an outer application has a policy, too, its middleware was here, on behalf of the innermost policy: a
        # preflight must not have to pass the outer application's authentication before it gets to the inner one (S2).
        if _DECIDED not in request:
            decided = request[_DECIDED] = await _decide(request)
            if decided is not None and decided.answer is not None:
                reply = decided.adapter.reply(decided.rules, decided.asked, decided.answer)
                if reply is not None:
                    return web.Response(status=reply.status, headers=dict(reply.headers), body=reply.body)
        return await handler(request)


_ADAPTER = web.AppKey("crossorigin", _ApplicationAdapter)
_DECIDED: Any = getattr(web, "RequestKey", str)("crossorigin.decided")  # aiohttp before 3.14 knows strings only


async def _write_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Write the answer into *response* on its way out: the signal's receiver."""
    # Not every response comes through the middleware: others may be outside of it, and `Expect` is handled before.
    decided = request[_DECIDED] if _DECIDED in request else await _decide(request)
    if decided is not None and decided.answer is not None:
        lines = list(response.headers.items())
        added = [line for line in lines if line[0].lower() in _ADDED]
        response.headers.clear()
        response.headers.extend(write([line for line in lines if line not in added], decided.answer) + added)


async def _decide(request: web.Request) -> _Decided | None:
    """Ask the innermost policy that covers *request*; ``None`` where there is none."""
    # What aiohttp itself takes for a handshake, whatever the handler then makes of it.
    is_handshake = request.headers.get(hdrs.UPGRADE, "").lower().strip() == "websocket"
    asked = Asked.read(
        "websocket" if is_handshake else "actual",
        request.method,
        request.rel_url.path_safe,  # S19: what the router matches, with %2F and %25 left as they are
        request.scheme,
        lambda name: request.headers.getall(name, ()),
    )
    adapter, rules = await _innermost(request, asked.method)
    if adapter is None:
        return None
    return _Decided(adapter, rules, asked, await asked.of_async(rules))


async def _innermost(request: web.Request, method: str) -> tuple[_ApplicationAdapter | None, Rules]:
    """Return the innermost policy for *request* if it came with *method*, and the adapter that enforces it (S11)."""
    own = request.match_info
    match = own if method == request.method else await _match(request, method)
    if match is None:
        return _adapter(own.apps), NO_CORS
    adapter = _adapter(own.apps if match is own else (own.apps[0], *match.apps))
    rules = _own_rules(match.handler, method)
    if rules is None:
        error = match.http_exception
        if isinstance(error, web.HTTPMethodNotAllowed) and error.allowed_methods:
            # The path is a resource's all the same, to which any of its methods leads.
            match = await _match(request, min(error.allowed_methods))
        route = None if match is None else match.route
        rules = getattr(route, RULES, getattr(getattr(route, "resource", None), RULES, None))
    if rules is None:
        rules = NO_CORS if adapter is None else adapter.policy
    return adapter, rules.at(method) if isinstance(rules, ByMethod) else rules


async def _match(request: web.Request, method: str) -> web.UrlMappingMatchInfo | None:
    """Return where *request* would be routed with *method*; ``None`` if nobody can tell any more."""
    try:
        other = request.clone(method=method)
    except RuntimeError:  # a middleware outside of ours has read its body: no browser sends a preflight with one
        return None
    return await request.match_info.apps[0].router.resolve(other)


def _adapter(apps: tuple[web.Application, ...]) -> _ApplicationAdapter | None:
    return next((adapter for app in reversed(apps) if (adapter := app.get(_ADAPTER)) is not None), None)


def _own_rules(handler: object, method: str) -> Rules | None:
    """Return the rules that *handler* is marked with: for a view, those of its method, or its own."""
    while isinstance(handler, functools.partial) and not hasattr(handler, RULES):
        handler = handler.func
    verb = getattr(handler, method.lower(), None) if isinstance(handler, type) and method in hdrs.METH_ALL else None
    rules: Rules | None = getattr(verb, RULES, getattr(handler, RULES, None))
    return rules
