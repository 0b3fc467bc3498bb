"""The aiohttp adapter: one policy for an application, and others for its sub-applications, handlers and views.

Carries only: finds the innermost policy that covers a request, asks it, and writes its answer when aiohttp prepares the
response. No route is added: a middleware, the outermost one, answers preflights and keeps out what the guards refuse;
the signal ``on_response_prepare``, which aiohttp sends for whatever response goes out, writes the headers (S12).
"""

import functools
from collections.abc import Awaitable, Callable, Hashable, Mapping
from typing import Any, TypeVar

from aiohttp import hdrs, web

from . import fetch
from .adapter import RULES, Adapter, Asked, checked, mark
from .answer import INITIALS, Header, Rules, write
from .compose import NO_CORS, FixedRules
from .decisions import Observer
from .memory import Memories, Memory, Outcome

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
    enforcing = _ApplicationAdapter(
        checked(policy), preflight_status=preflight_status, enforce=enforce, websockets=websockets, observe=observe
    )
    app[_ADAPTER] = enforcing
    app.middlewares.insert(0, enforcing.guard)
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
        global _marks  # noqa: PLW0603
        _marks += 1
        mark(target, rules)
        return target

    return decorate


_marks = 0  # how many handlers, routes and resources got policies


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


class _ApplicationAdapter(Adapter):
    """What `setup` puts into an application."""

    def __init__(self, policy: Rules, **options: Any) -> None:
        super().__init__(policy, **options)
        self.memories: Memories[int, Header] = Memories()
        self._is_alone: bool | None = None
        self._looked_through = (0, 0)  # how much was marked, and how many routes there were
        self._is_uniform = True
        self._only: Memory[int, Header] | None = None  # the memory for all requests, where nothing else has a policy

    def is_alone_in(self, app: web.Application) -> bool:
        """Return whether *app* has no applications inside. It has started: no resource can be added any more."""
        if self._is_alone is None:
            self._is_alone = not any("app" in resource.get_info() for resource in app.router.resources())
        return self._is_alone

    def is_uniform_in(self, app: web.Application) -> bool:
        """Return whether nothing in *app* has a policy of its own: no application inside, nothing that is marked."""
        if not self.is_alone_in(app):
            return False
        resources = app.router.resources()
        there = _marks, sum(map(len, resources)) if _marks else 0  # a resource can still get routes
        if there != self._looked_through:
            self._looked_through, self._is_uniform = there, not any(map(_holds_rules, resources))
        return self._is_uniform

    @web.middleware
    async def guard(
        self, request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
    ) -> web.StreamResponse:
        """Answer preflights, and what a guard keeps out, in the application's place."""
        # Where an outer application has a policy, too, its middleware was here, on behalf of the innermost policy: a
        # preflight must not have to pass the outer application's authentication before it gets to the inner one (S2).
        if len(request) == 0 or _OUTCOME not in request:  # a key that is missing costs an exception
            outcome = request[_OUTCOME] = self._recalled(request) or await _outcome(request)
            if outcome is not None and outcome.reply is not None:
                status, headers, body = outcome.reply
                return _Reply(status=status, headers=headers, body=body)
        return await handler(request)

    def _recalled(self, request: web.Request) -> Outcome[int, Header] | None:
        """Return what `_outcome` returned when it was asked in the very same words: the fast path (P1)."""
        memory = self._only
        if memory is None or _marks:
            covering = _covering(request)
            memory = None if covering is None else covering[0].memories.of(covering[1])
            if not _marks and self.is_alone_in(request.match_info.apps[0]):
                self._only = memory
        return None if memory is None or hdrs.UPGRADE in request.headers else memory.recall(_question(request))


class _Reply(web.Response):
    """What goes out in the application's place, with the answer in its headers already."""


_ADAPTER = web.AppKey("crossorigin", _ApplicationAdapter)
_OUTCOME: Any = getattr(web, "RequestKey", str)("crossorigin.outcome")  # aiohttp before 3.14 knows strings only


async def _write_headers(request: web.Request, response: web.StreamResponse) -> None:
    """Write the answer into *response* on its way out: the signal's receiver."""
    # Not every response comes through the middleware: others may be outside of it, and `Expect` is handled before.
    try:
        outcome = request[_OUTCOME]
    except KeyError:
        outcome = await _outcome(request)
    if outcome is None or outcome.answer is None or isinstance(response, _Reply):
        return
    headers = response.headers
    if outcome.lines is not None:
        for name in headers:
            if name[:1] in INITIALS:
                break
        else:  # there is nothing to replace or to merge with
            headers.extend(outcome.lines)
            return
    lines = list(headers.items())
    added = [line for line in lines if line[0].lower() in _ADDED]
    headers.clear()
    headers.extend(write([line for line in lines if line not in added], outcome.answer) + added)


async def _outcome(request: web.Request) -> Outcome[int, Header] | None:
    """Return what becomes of *request*; ``None`` where nobody may write CORS headers but the handler itself."""
    asked = _read(request)
    covering = _covering(request)
    enforcing, rules = await _innermost(request, asked.method) if covering is None else covering
    if isinstance(rules, ByMethod):
        rules = rules.at(asked.method)
    answer = await asked.of_async(rules)
    if enforcing is None or answer is None:
        return None
    reply = enforcing.reply(rules, asked, answer)
    sent = None if reply is None else (reply.status, tuple(reply.headers), reply.body)
    lines = None if answer.block.expose_all else tuple(write((), answer))
    outcome = Outcome(answer, lines, sent, enforcing.quiet_until(asked, answer))
    memory = None if covering is None or asked.kind == "websocket" else enforcing.memories.of(rules)
    if memory is not None:
        memory.keep(_question(request), outcome)
    return outcome


def _covering(request: web.Request) -> "tuple[_ApplicationAdapter, Rules] | None":
    """Return what `_innermost` does, where one look at the match tells; ``None`` where it does not."""
    match = request.match_info
    apps = match.apps
    enforcing = _adapter(apps)
    if enforcing is None:
        return None
    rules: Rules | None = enforcing.policy
    if request.method == hdrs.METH_OPTIONS or match.http_exception is not None:
        # The match for the method that a preflight asks for, or for one that is allowed here, may have its own rules.
        if len(apps) > 1 or not enforcing.is_uniform_in(apps[0]):
            return None
    elif _marks:
        rules = _rules_of(match, request.method) or rules
    return None if rules is None or isinstance(rules, ByMethod) else (enforcing, rules)


def _read(request: web.Request) -> Asked:
    """Return what *request* asks of the rules."""
    # What aiohttp itself takes for a handshake, whatever the handler then makes of it.
    is_handshake = request.headers.get(hdrs.UPGRADE, "").lower().strip() == "websocket"
    return Asked.read(
        "websocket" if is_handshake else "actual",
        request.method,
        request.rel_url.path_safe,  # S19: what the router matches, with %2F and %25 left as they are
        request.scheme,
        lambda name: request.headers.getall(name, ()),
    )


def _question(request: web.Request) -> Hashable:
    """Return the words that the rules look at in *request*, which is no handshake."""
    headers = request.headers
    origins = headers.getall(hdrs.ORIGIN, None)
    if origins is None:
        return None
    if request.method != hdrs.METH_OPTIONS:
        return tuple(origins)
    return tuple([(name, *headers.getall(name, ())) for name in _ASKED])


_ASKED = tuple(name for name in fetch.REQUEST_NAMES if name not in (fetch.HOST, fetch.FETCH_SITE))


async def _innermost(request: web.Request, method: str) -> tuple[_ApplicationAdapter | None, Rules]:
    """Return the innermost policy for *request* if it came with *method*, and the adapter that enforces it (S11)."""
    own = request.match_info
    match = own if method == request.method else await _match(request, method)
    if match is None:
        return _adapter(own.apps), NO_CORS
    enforcing = _adapter(own.apps if match is own else (own.apps[0], *match.apps))
    rules = _rules_of(match, method)
    error = match.http_exception
    if rules is None and isinstance(error, web.HTTPMethodNotAllowed) and error.allowed_methods:
        # The path is a resource's all the same, to which any of its methods leads.
        other = await _match(request, min(error.allowed_methods))
        rules = None if other is None else _rules_of_route(other)
    if rules is None:
        rules = NO_CORS if enforcing is None else enforcing.policy
    return enforcing, rules


async def _match(request: web.Request, method: str) -> web.UrlMappingMatchInfo | None:
    """Return where *request* would be routed with *method*; ``None`` if nobody can tell any more."""
    try:
        other = request.clone(method=method)
    except RuntimeError:  # a middleware outside of ours has read its body: no browser sends a preflight with one
        return None
    return await request.match_info.apps[0].router.resolve(other)


def _adapter(apps: tuple[web.Application, ...]) -> _ApplicationAdapter | None:
    for app in reversed(apps):
        own = app.get(_ADAPTER)
        if own is not None:
            return own
    return None


def _rules_of(match: web.UrlMappingMatchInfo, method: str) -> Rules | None:
    """Return the rules that a handler, its route or its resource is marked with."""
    own = _own_rules(match.handler, method)
    return _rules_of_route(match) if own is None else own


def _rules_of_route(match: web.UrlMappingMatchInfo) -> Rules | None:
    rules: Rules | None = getattr(match.route, RULES, getattr(match.route.resource, RULES, None))
    return rules


def _holds_rules(resource: web.AbstractResource) -> bool:
    """Return whether *resource*, a route of it or a handler is marked, for whatever method."""
    return hasattr(resource, RULES) or any(
        hasattr(route, RULES) or any(_own_rules(route.handler, method) is not None for method in hdrs.METH_ALL)
        for route in resource
    )


def _own_rules(handler: object, method: str) -> Rules | None:
    """Return the rules that *handler* is marked with: for a view, those of its method, or its own."""
    while isinstance(handler, functools.partial) and not hasattr(handler, RULES):
        handler = handler.func
    verb = getattr(handler, method.lower(), None) if isinstance(handler, type) and method in hdrs.METH_ALL else None
    rules: Rules | None = getattr(verb, RULES, getattr(handler, RULES, None))
    return rules
