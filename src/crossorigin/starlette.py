"""The Starlette and FastAPI adapter: one policy around a whole application, and others for single endpoints.

Carries only: puts `crossorigin.asgi.CORSMiddleware` outside everything that Starlette builds, and finds the endpoint
that a request goes to, by path and method, as Starlette's router does. No route is added and no endpoint is wrapped.
Knows routes, and nothing of origins.
"""

import copy
import functools
import inspect
from collections.abc import Callable, Iterable, Iterator, MutableMapping
from typing import Any, NamedTuple, TypeVar
from weakref import WeakSet

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.errors import ServerErrorMiddleware
from starlette.routing import BaseRoute, Match, Router

from . import asgi
from .adapter import RULES, checked, mark, wrapped
from .answer import Answer, Rules, WireHeader, write_wire
from .asgi import ASGIApp, Scope, routed_path
from .compose import LEAVE, NO_CORS
from .decisions import Observer
from .memory import Memory, is_pure

_Endpoint = TypeVar("_Endpoint", bound=Callable[..., object])

# What was looked through, by identity: routers and applications, with what they hold and how much of it.
_Seen = dict[int, tuple[object, str, int]]

_FAILED = "crossorigin.starlette.failed"  # in a scope: the answer to a request to which the application raised
_PAGE = "__crossorigin_page__"  # the attribute in which a hooked page keeps what it was made of
_HOOKED: WeakSet[ServerErrorMiddleware] = WeakSet()
_SET_UP: WeakSet[Starlette] = WeakSet()  # the applications that `setup` was called with


def setup(
    app: Starlette,
    policy: Rules | None = None,
    *,
    preflight_status: int = 204,
    enforce: bool = False,
    websockets: bool = True,
    observe: Observer | None = None,
) -> None:
    """Enforce *policy* around *app*, outside all middleware, added before or after, and the server-error layer.

    Preflights are answered before authentication and routing (S2). Every response leaves with the policy's headers, a
    custom 500 page's too (S12). WebSocket handshakes from foreign origins are refused (S17). A mounted application with
    a `setup` or a `CORSMiddleware` of its own, and what is marked with `cors`, is covered by that policy alone (S11).

    Args:
        app: The application, before its first request.
        policy: A `crossorigin.Policy`, or what is composed of policies. ``None`` allows no origin: for applications in
            which only what is marked with `cors` has a policy.
        preflight_status: See `crossorigin.adapter.Adapter`, as for the other options.
        enforce: See there.
        websockets: See there.
        observe: See there.

    Raises:
        TypeError: If *app* is no Starlette or FastAPI application, or for what `crossorigin.adapter.Adapter` raises it.
        ValueError: For what `crossorigin.adapter.Adapter` raises it.
        RuntimeError: If *app* has a policy already, or has started. A `CORSMiddleware` that is added to it afterwards
            is refused when it starts.

    Example:
        >>> from crossorigin import Policy
        >>> app = Starlette()
        >>> setup(app, Policy("https://app.example.com"))
    """
    given: object = app  # whatever its type says
    if not isinstance(given, Starlette):
        raise TypeError(
            f"app is {given!r}, of type {type(given).__name__}; write setup(app, policy) with a Starlette or FastAPI "
            "application, and crossorigin.asgi.CORSMiddleware(app, policy) for any other"
        )
    if app in _SET_UP:
        raise RuntimeError("setup() was called twice for one application; call it once, with AnyOf(...) or ByPath(...)")
    if app.middleware_stack is not None:
        raise RuntimeError("the application has started; call setup() where it is created, before its first request")
    rules = NO_CORS if policy is None else policy
    middleware = functools.partial(
        _Outermost, preflight_status=preflight_status, enforce=enforce, websockets=websockets, observe=observe
    )
    middleware(app, rules, app)  # says now, not at the first request, what is wrong with the arguments
    build = app.build_middleware_stack
    app.build_middleware_stack = lambda: middleware(build(), rules, app)  # type: ignore[method-assign]
    _SET_UP.add(app)
    _count()  # an application around it has looked already, perhaps


def cors(policy: Rules | None) -> Callable[[_Endpoint], _Endpoint]:
    """Return a decorator that gives an endpoint its own policy: a function, a class, one of its methods, an ASGI app.

    It marks what it decorates, and changes nothing else about it: write it above or below the decorator that makes the
    route. Other decorators in between have to keep a function's attributes, as `functools.wraps` does. The application
    needs `setup`, whose options hold here, too. A method's policy goes before its class's; a class's holds for classes
    that inherit from it.

    Args:
        policy: A `crossorigin.Policy`, or what is composed of policies; ``None`` for no CORS at all, and
            `crossorigin.LEAVE` for an endpoint that answers its preflights and sets its CORS headers by itself.

    Raises:
        TypeError: If *policy* is not a policy. The decorator raises it for what is no endpoint or cannot be marked.
        RuntimeError: The decorator raises it for what is marked with another policy already.

    Example:
        >>> from crossorigin import Policy
        >>> @cors(Policy("*"))
        ... async def feed(request): ...
    """
    rules = checked(policy)

    def decorate(endpoint: _Endpoint) -> _Endpoint:
        if isinstance(endpoint, Starlette | Router | BaseRoute) or not callable(endpoint):
            raise TypeError(
                f"@cors(...) is for an endpoint, not for {endpoint!r}; an application gets its policy with "
                "setup(app, policy), and what is below a path with setup(app, ByPath({...}))"
            )
        _count()
        mark(endpoint, rules)
        return endpoint

    return decorate


_marks = 0  # how many endpoints and applications got policies: what was looked for before may be there now


def _count() -> None:
    global _marks  # noqa: PLW0603
    _marks += 1


class CORSMiddleware(asgi.CORSMiddleware):
    """`crossorigin.asgi.CORSMiddleware` for a place inside an application: ``add_middleware``, a mount or a route.

    Outside of such a place Starlette answers exceptions: with a custom page, with the debug page, on a mount with the
    page for an ``HTTPException``. They travel there as ever, past all middleware in between, and what Starlette answers
    leaves with the headers (S12). `setup` does without, since it is outside of everything.

    Example:
        >>> from crossorigin import Policy
        >>> Starlette().add_middleware(CORSMiddleware, policy=Policy("https://app.example.com"))
    """

    def answers_exceptions(self, scope: Scope, answer: Answer) -> bool:
        """Return whether there is no Starlette application around, which does."""
        layers = list(wrapped(getattr(scope.get("app"), "middleware_stack", None)))
        for layer in layers:
            if isinstance(layer, ServerErrorMiddleware):
                # The pages in the scope are the application's own, unless this middleware is outside of them.
                _hook(layer, () if self in layers else scope.get("starlette.exception_handlers", ()))
                scope[_FAILED] = answer
                return False
        return True


def _hook(layer: ServerErrorMiddleware, pages: Iterable[MutableMapping[Any, Any]]) -> None:
    """Have the pages that Starlette shows for exceptions leave with the answer that the request's scope holds then.

    Starlette looks these attributes and tables up when there is an exception, so that this holds from the first on.
    """
    if layer not in _HOOKED:
        _HOOKED.add(layer)
        for name in ("error_response", "debug_response"):
            setattr(layer, name, functools.partial(_answering, getattr(layer, name)))
        layer.handler = layer.handler and _handling(layer.handler)
    for table in pages:
        for key, page in table.items():
            table[key] = page if hasattr(page, _PAGE) else _handling(page)


def _answering(page: Any, request: Any, error: Exception) -> Any:
    return _answered(page(request, error), request)


def _handling(page: Any) -> Any:
    async def handle(request: Any, error: Exception) -> Any:
        response = await run_in_threadpool(page, request, error)
        return _answered(await response if inspect.isawaitable(response) else response, request)

    setattr(handle, _PAGE, page)
    return handle


def _answered(response: Any, request: Any) -> Any:
    answer = request.scope.pop(_FAILED, None)
    if answer is not None:
        response = copy.copy(response)  # one object may be for every request
        response.raw_headers = write_wire(response.raw_headers, answer)
    return response


class _Place(NamedTuple):
    """Where a request ends up: the rules there, or the layer on the way that brings its own."""

    rules: Rules
    nested: object = None
    reached: bool = True  # whether the request gets as far as *nested*, and no 405 of the router is in the way


class _Outermost(asgi.CORSMiddleware):
    """The outermost layer of an application, which knows its routes."""

    def __init__(self, app: ASGIApp, policy: Rules, application: Starlette, **options: Any) -> None:
        super().__init__(app, policy, **options)
        if any(_is_nested(layer) for layer in _layers(app)):
            raise RuntimeError(
                "the application has a CORSMiddleware besides setup(); remove it: setup() covers all that it does, "
                "and the endpoints with @cors(...)"
            )
        self._application = application
        self._marks = -1
        self._seen: _Seen = {}
        self._resolves = False
        self._whole: Memory[int, WireHeader] | None = Memory() if is_pure(policy) else None

    def memory_at(self, scope: Scope) -> Memory[int, WireHeader] | None:
        """Return what is remembered for all of the application, where it has one policy."""
        return None if self._has_rules_inside() else self._whole

    def _has_rules_inside(self) -> bool:
        grown = any(len(getattr(owner, held)) != count for owner, held, count in self._seen.values())
        if grown or self._marks != _marks:
            # The first request, and whenever a route or a middleware was added, an endpoint marked or an application
            # set up.
            self._marks, self._seen = _marks, {}
            self._resolves = _holds_rules(self._application.router, self._seen)
        return self._resolves

    def rules_for(self, scope: Scope, method: str) -> Rules:
        """Return the rules for what the router serves to a request with *method*."""
        if not self._has_rules_inside():
            return self.policy  # without anything to find, nothing is looked for
        place = self._resolve({**scope, "method": method})
        if place.nested is None:
            return place.rules
        # A preflight goes as OPTIONS: a nested policy can answer it only if the router lets OPTIONS through to it.
        actual = scope.get("method", method) == method
        here = place if actual else self._resolve(dict(scope))
        if here.reached and here.nested is place.nested:
            return LEAVE
        return place.nested.rules_for(scope, method) if isinstance(place.nested, asgi.CORSMiddleware) else place.rules

    def _resolve(self, scope: Scope) -> _Place:
        """Return where the request of *scope* ends up, as Starlette routes it through mounted applications."""
        rules, reached, redirected = self.policy, True, False
        app: object = self._application.router
        while True:
            router = None
            for layer in _layers(app):
                if _is_nested(layer):
                    # A redirect to it is the outer application's own response.
                    return _Place(rules) if redirected else _Place(rules, layer, reached)
                if isinstance(layer, Starlette) and (root := getattr(layer, "root_path", "")):
                    scope["root_path"] = root  # as FastAPI.__call__ does
                if isinstance(layer, Router):
                    router = layer
            if router is None:
                return _Place(rules)
            found = _match(router, scope)
            if found is None and _may_redirect(router, scope):
                redirected = True
                path = scope["path"]
                scope["path"] = path.rstrip("/") if routed_path(scope).endswith("/") else f"{path}/"
                found = _match(router, scope)
            if found is None:
                return _Place(rules)
            route, child, match = found
            scope = {**scope, **child}
            rules = _own_rules(child.get("endpoint"), scope["method"], rules)
            reached = match is Match.FULL
            app = getattr(route, "app", None)


def _match(router: Router, scope: Scope) -> tuple[Any, Scope, Match] | None:
    """Return the route that *router* chooses, with what it adds to the scope: the first full match or partial one."""
    partial = None
    for route in router.routes:
        match, child, chosen = _ask(route, scope)
        if match is Match.FULL:
            return chosen, child, match
        if match is Match.PARTIAL and partial is None:
            partial = chosen, child, match
    return partial


def _ask(route: Any, scope: Scope) -> tuple[Match, Scope, Any]:
    """Return how *route* matches, what it adds to the scope, and the route itself, or the one that it stands for."""
    # FastAPI's included router has no endpoint: it chooses among the routes inside it.
    included = hasattr(route, "original_router")
    matches = route._match if included else route.matches
    try:
        match, child, *chosen = matches(scope)
    except Exception:  # a convertor's, such as int's of 5000 digits: here the router stops, since it raises that, too
        return Match.FULL, {}, None
    if not included:
        return match, child, route
    return _ask(chosen[0], scope) if hasattr(chosen[0], "original_router") else (match, child, chosen[0])


def _may_redirect(router: Router, scope: Scope) -> bool:
    return scope["type"] == "http" and router.redirect_slashes and routed_path(scope) != "/"


def _layers(app: object) -> Iterator[object]:
    """Yield *app* and what a request passes behind it, up to the router, from outside in."""
    for layer in wrapped(app):
        yield layer
        if isinstance(layer, Starlette):
            yield from (middleware.cls for middleware in layer.user_middleware)
            yield from _layers(layer.router)
        elif isinstance(layer, Router):
            yield from wrapped(layer.middleware_stack)


def _is_nested(layer: object) -> bool:
    """Return whether *layer* brings a policy of its own (S11)."""
    if isinstance(layer, Starlette):
        return layer in _SET_UP
    kind = layer if isinstance(layer, type) else type(layer)
    return issubclass(kind, asgi.CORSMiddleware)


def _own_rules(endpoint: object, method: str, rules: Rules) -> Rules:
    """Return the rules that *endpoint* is marked with for *method*, else *rules*."""
    if isinstance(endpoint, type):  # HTTPEndpoint dispatches in this way
        name = "get" if method == "HEAD" and not hasattr(endpoint, "head") else method.lower()
        own: Rules = getattr(getattr(endpoint, name, None), RULES, getattr(endpoint, RULES, rules))
        return own
    for layer in _marked(endpoint):
        rules = getattr(layer, RULES, rules)
    return rules


def _marked(endpoint: object) -> Iterator[object]:
    """Yield what may carry the mark of *endpoint*: itself, and what it wraps as a partial or a middleware."""
    while isinstance(endpoint, functools.partial):
        yield endpoint
        endpoint = endpoint.func
    yield from wrapped(endpoint)


def _holds_rules(app: object, seen: _Seen) -> bool:
    """Return whether anything behind *app* is marked or nested, so that requests have to be resolved.

    Adds to *seen* the routers and the applications on the way.
    """
    for layer in _layers(app):
        if _is_nested(layer):
            return True
        if isinstance(layer, Starlette):
            seen[id(layer)] = layer, "user_middleware", len(layer.user_middleware)
        if isinstance(layer, Router) and id(layer) not in seen:
            seen[id(layer)] = layer, "routes", len(layer.routes)
            if any(_route_holds_rules(route, seen) for route in layer.routes):
                return True
    return False


def _route_holds_rules(route: BaseRoute, seen: _Seen) -> bool:
    inner = getattr(route, "original_router", None) or getattr(route, "app", None)
    endpoint = getattr(route, "endpoint", inner)
    carriers: Iterable[object] = _marked(endpoint)
    if isinstance(endpoint, type):
        carriers = (member for base in endpoint.__mro__ for member in (base, *vars(base).values()))
    return any(hasattr(carrier, RULES) for carrier in carriers) or _holds_rules(inner, seen)
