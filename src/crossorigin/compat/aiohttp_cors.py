"""aiohttp-cors 0.8.1 as a drop-in; ``docs/migrating/aiohttp-cors.md`` lists what differs, and why.

The options of an origin become a `Policy`, those of several an `AnyOf`. A resource that is added to `CorsConfig` is
marked with one of these for each method, and `crossorigin.aiohttp` enforces them there, and nowhere else.
"""

# ruff: noqa: TRY004  # what is of the wrong type is a `ValueError` in the original, too

import warnings
from collections import ChainMap, namedtuple
from collections.abc import Callable, Iterable, Mapping, Sequence
from numbers import Integral
from typing import Any, Self, TypeVar

from aiohttp import hdrs, web

from .. import aiohttp, fetch
from ..answer import DENIED, Answer, inner_answer
from ..compose import LEAVE, NO_CORS, AnyOf
from ..policy import Policy, requested_names
from . import DropIn, Sealed, translated

__all__ = ("APP_CONFIG_KEY", "CorsConfig", "CorsViewMixin", "ResourceOptions", "custom_cors", "setup")

__title__, __version__, __uri__, __email__ = "aiohttp-cors", "0.8.1", "", ""  # what this stands in for
__summary__, __license__, __author__, __copyright__ = "CORS support for aiohttp", "MIT", "", ""

Names = frozenset[str]
Config = Mapping[str, "ResourceOptions | Mapping[str, Any]"]
_T = TypeVar("_T", bound=Any)


class ResourceOptions(
    namedtuple("ResourceOptions", "allow_credentials expose_headers allow_headers max_age allow_methods")
):
    """What pages of one origin may do with a resource. Lists become sets, all but the first of them in upper case.

    Args:
        allow_credentials: Whether they may send and get credentials.
        expose_headers: Response headers that they may read, or ``"*"``.
        allow_headers: Request headers that they may send, or ``"*"``.
        max_age: For how many seconds browsers may remember a preflight.
        allow_methods: Methods of a resource whose routes need not be added, or ``"*"``.

    Raises:
        ValueError: If one of them is of the wrong type.

    Example:
        >>> ResourceOptions(allow_headers=["X-Tag"], max_age=60).allow_headers
        frozenset({'X-TAG'})
    """

    def __new__(
        cls,
        *,
        allow_credentials: bool = False,
        expose_headers: Sequence[str] = (),
        allow_headers: Sequence[str] = (),
        max_age: int | None = None,
        allow_methods: Sequence[str] | None = None,
    ) -> Self:
        """Check and normalize."""
        given: tuple[Any, Any] = (allow_credentials, max_age)  # whatever their types say
        if not isinstance(given[0], bool):
            raise ValueError(f"'allow_credentials' must be boolean, got '{allow_credentials!r}'")
        exposed = _names("expose_headers", expose_headers, str)
        headers = _names("allow_headers", allow_headers, str.upper)
        if max_age is not None and (not isinstance(given[1], Integral) or given[1] < 0):
            raise ValueError(f"'max_age' must be non-negative integer, got '{max_age!r}'")
        methods = None if allow_methods is None else _names("allow_methods", allow_methods, str.upper)
        return super().__new__(cls, allow_credentials, exposed, headers, max_age, methods)

    def is_method_allowed(self, method: str) -> bool:
        """Return whether *method*, in upper or lower case, is among ``allow_methods``."""
        return self.allow_methods == "*" or method.upper() in (self.allow_methods or ())


_Level = dict[str, ResourceOptions]  # by origin: what a route was given, its resource, a view, or the application
_Levels = list[_Level]
_Added = tuple[_Level, aiohttp.ByMethod, bool, set[str]]  # with whether a view is asked first, and the routes' methods


class CorsConfig:
    """Which routes and resources are for pages of other origins. All others of the application are left alone.

    Args:
        app: The application, before it starts, and before it is added to another one.
        defaults: Options by origin, for every route and resource that is added.
        router_adapter: Not supported.

    Raises:
        TypeError, ValueError, RuntimeError: For wrong arguments, a second configuration, a frozen application.
    """

    def __init__(self, app: web.Application, *, defaults: Config | None = None, router_adapter: Any = None) -> None:
        if router_adapter is not None:
            raise TypeError(f"router_adapter is {router_adapter!r}; leave it out: aiohttp's own router is all we know")
        self._policies: dict[tuple[str, ResourceOptions], Policy] = {}
        self._added: dict[web.AbstractResource, _Added] = {}
        self.defaults = self._read(defaults)
        aiohttp.setup(app, LEAVE, preflight_status=200, websockets=False)

    def add(self, routing_entity: _T, config: Config | None = None, webview: bool = False) -> _T:
        """Let pages of other origins use a route or a resource, and return it.

        A route adds its resource, too, where that is new, and its options are then those of the whole resource.

        Args:
            routing_entity: A route, or a resource, static ones among them.
            config: Options by origin, which go before the defaults.
            webview: Deprecated, and of no effect.

        Raises:
            ValueError: If *config* is no such mapping, or *routing_entity* cannot be added, or was before.

        Example:
            >>> app = web.Application()
            >>> cors = setup(app, defaults={"https://app.example.com": ResourceOptions(max_age=60)})
            >>> resource = cors.add(app.router.add_resource("/hello"))
        """
        if webview:
            warnings.warn("webview is deprecated: views need no extra settings", DeprecationWarning, stacklevel=2)
        options = self._read(config)
        entity: object = routing_entity  # whatever its type says
        resource = entity.resource if isinstance(entity, web.ResourceRoute) else entity
        if not isinstance(resource, web.Resource | web.StaticResource):
            raise ValueError(f"Resource or ResourceRoute expected, got {entity!r}")
        if resource not in self._added:
            self._added[resource] = self._opened(resource, options)
        elif resource is entity:
            raise ValueError(f"CORS is already configured for {resource!r} resource.")
        if isinstance(entity, web.ResourceRoute):
            of_resource, marked, by_view, routes = self._added[resource]
            if entity.method in routes:
                place = f"on resource {resource!r} for {entity.method} method"
                raise ValueError(f"Can't setup CORS for {entity!r} route: CORS already configured {place}")
            routes.add(entity.method)
            levels = [of_resource, self.defaults]
            marked.default = self._rules([] if by_view else levels, None, levels, frozenset(routes))
            for route in (one for one in resource if _is_view(one.handler) and one.method not in routes - {"*"}):
                self._mark(route, self._added[resource], levels, None)
            self._mark(entity, self._added[resource], [options, *levels], entity.method)
        return routing_entity

    def _opened(self, resource: web.Resource | web.StaticResource, options: _Level) -> _Added:
        by_view = _has_view(resource)
        if isinstance(resource, web.StaticResource):
            resource.set_options_route(_refuse)
        elif not by_view:
            resource.add_route(hdrs.METH_OPTIONS, _refuse)
        levels = [options, self.defaults]
        marked = aiohttp.ByMethod({}, default=self._rules([] if by_view else levels, None, levels))
        added = options, marked, by_view, set[str]()
        aiohttp.cors(marked)(resource)
        for route in resource:
            if _is_view(route.handler):
                self._mark(route, added, levels, None)
        return added

    def _mark(self, route: web.AbstractRoute, added: _Added, levels: _Levels, method: str | None) -> None:
        view: Any = route.handler
        _, marked, by_view, routes = added
        if not _is_view(view):
            marked.rules[route.method] = self._rules(levels, method, levels)
            return
        for name in hdrs.METH_ALL - routes if route.method == hdrs.METH_ANY else {route.method}:
            function = getattr(view, name.lower(), None)
            if function is not None:
                custom = self._read(getattr(function, f"{name.lower()}_cors_config", None))
                own = [custom, self._read(view.cors_config), self.defaults]
                of_route = (levels, method) if route.method != hdrs.METH_ANY else (levels[-2:], None)
                asked = (own, name) if by_view else of_route
                marked.rules[name] = self._rules(*asked, [*own, *levels[-2:]], frozenset(routes))

    def _rules(self, asked: _Levels, method: str | None, actual: _Levels, added: Names = frozenset()) -> "_Rules":
        return _Rules(self._policies_of(asked, method, added), self._policies_of(actual, method, added), method)

    def _policies_of(self, levels: _Levels, method: str | None, added: Names) -> list[Policy]:
        options = ChainMap(*levels)
        policies = [self._policy(origin, options[origin]) for origin in sorted(options, key="*".__eq__)]  # `*` is last
        if method is None and not added:
            return policies
        # Told of an added route's method elsewhere, a browser would send it without asking for that route's options.
        every, others = ({method}, Names()) if method else (hdrs.METH_ALL, added)
        named = [every if method or "*" in policy.allow_methods else {*policy.allow_methods} for policy in policies]
        methods = [sorted(names - others - fetch.FORBIDDEN_METHODS) for names in named]
        return [policy.replace(allow_methods=names) for policy, names in zip(policies, methods, strict=True)]

    def _policy(self, origin: str, options: ResourceOptions) -> Policy:
        if (origin, options) not in self._policies:
            declared = {"allow_origins": [origin]} | options._asdict()
            declared["allow_methods"] = _listed(options.allow_methods or ())
            declared["allow_headers"] = _listed(options.allow_headers, "Authorization")
            declared["expose_headers"] = sorted(options.expose_headers)
            name = f"aiohttp_cors.ResourceOptions for {origin!r}"
            self._policies[origin, options] = translated(name, literal=int(origin != "*"), **declared)
        return self._policies[origin, options]

    def _read(self, config: object) -> _Level:
        if not isinstance(config, Mapping | None):
            raise ValueError(f"Config must be mapping, got '{config}'")
        read = {origin: _options(origin, options) for origin, options in (config or {}).items()}
        for origin, options in read.items():
            self._policy(origin, options)  # which warns, where the options are given
        return read


class _Rules(DropIn):
    """Policies for preflights, and perhaps others for actual requests: for one method, or for all without a route."""

    def __init__(self, asked: list[Policy], actual: list[Policy], method: str | None) -> None:
        self._asked, self._method = asked, method
        self._actual = AnyOf(*actual) if actual else NO_CORS
        super().__init__(AnyOf(*self._asked) if self._asked else NO_CORS, own_credentials=False)

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        return (answer := self._actual.actual(origin, path)) and self.actual_reply(answer)

    def preflight_reply(
        self, answer: Answer, origin: str, method: str, headers: Sequence[str], private_network: bool
    ) -> Answer:
        policy = next((policy for policy in self._asked if policy.actual(origin).allowed), None)
        if policy is None and self._method:
            text = f"origin {origin[:100]!a} is not allowed" if self._asked else "no origins are allowed"
        elif policy is None or answer.reason.startswith("method-") or not {method, "*"} & {*policy.allow_methods}:
            text = _no_method(method, origin)  # no method passes for being safelisted
        elif answer.allowed:
            return answer
        else:
            names = requested_names(headers)
            missing = {name.upper() for name in names or ()}.difference(policy.allow_headers)
            text = f"headers are not allowed: {', '.join(sorted(missing)) or ascii(', '.join(headers)[:100])}"
        return inner_answer(answer)._replace(status=DENIED, text=f"CORS preflight request failed: {text}")


def _no_method(method: str, origin: str) -> str:
    return f"request method {method[:100]!a} is not allowed for {origin[:100]!a} origin"


def _options(origin: object, raw: object) -> ResourceOptions:
    if not isinstance(origin, str):
        raise ValueError(f"Origin must be string, got '{origin}'")
    if isinstance(raw, ResourceOptions):
        return raw
    if not isinstance(raw, Mapping):
        raise ValueError(f"Origin options must be either aiohttp_cors.ResourceOptions instance or mapping, got '{raw}'")
    unexpected = [str(name) for name in raw if name not in ResourceOptions._fields[:4]]  # no `allow_methods` here
    if unexpected:
        raise ValueError(f"Unexpected keywords in resource options: {','.join(unexpected)}")
    return ResourceOptions(**raw)


def _names(argument: str, value: object, fold: Callable[[str], str]) -> Any:
    if value == "*":
        return "*"
    if isinstance(value, str) or not isinstance(value, Sequence) or not all(isinstance(name, str) for name in value):
        raise ValueError(f"'{argument}' must be either '*', or sequence of strings, got '{value!r}'")
    return frozenset(map(fold, value))


def _listed(names: Iterable[str], *beside_star: str) -> list[str]:
    return ["*", *beside_star] if names == "*" else sorted(name for name in names if name != "*")  # in a list, a name


def _has_view(resource: Iterable[web.AbstractRoute]) -> bool:
    for route in resource:
        if route.method == hdrs.METH_OPTIONS:
            raise ValueError(f"{resource!r} already has OPTIONS handler {route.handler!r}")
        if route.method == hdrs.METH_ANY and not _is_view(route.handler):
            derived = "web view should be derived from aiohttp_cors.CorsViewMixin for working with the library"
            is_view = _is_view(route.handler, web.View)
            raise ValueError(derived if is_view else f"{resource!r} already has a '*' handler for all methods")
    return any(route.method == hdrs.METH_ANY for route in resource)


async def _refuse(request: web.Request) -> web.StreamResponse:
    """Answer an ``OPTIONS`` that is no preflight, or one for what was not added."""
    origin, method = (request.headers.get(name) for name in (fetch.ORIGIN, fetch.REQUEST_METHOD))
    text = "origin header is not specified in the request"
    if origin is not None:
        text = f"{fetch.REQUEST_METHOD!r} header is not specified" if method is None else _no_method(method, origin)
    raise web.HTTPForbidden(text=f"CORS preflight request failed: {text}")


class CorsViewMixin(Sealed):
    """What a view derives from, beside `aiohttp.web.View`. Its ``cors_config`` holds options by origin.

    >>> class Hello(web.View, CorsViewMixin):
    ...     cors_config = {"https://app.example.com": ResourceOptions()}
    """

    uncalled = "options get_request_config"
    request: web.Request
    cors_config: Config | None = None

    async def options(self) -> web.StreamResponse:
        """Answer an ``OPTIONS`` that is no preflight: with 403, and with what is missing."""
        return await _refuse(self.request)


def _is_view(handler: object, base: type = CorsViewMixin) -> bool:
    return isinstance(handler, type) and issubclass(handler, web.View) and issubclass(handler, base)


def custom_cors(config: Config) -> Callable[[_T], _T]:
    """Return a decorator that gives one method of a view options by origin, which go before the view's."""

    def wrapper(function: _T) -> _T:
        setattr(function, f"{function.__name__}_cors_config", config)
        return function

    return wrapper


APP_CONFIG_KEY = web.AppKey("aiohttp_cors", CorsConfig)


def setup(app: web.Application, *, defaults: Config | None = None) -> CorsConfig:
    """Return the application's `CorsConfig`, which takes the same arguments, and leave it under ``APP_CONFIG_KEY``."""
    config = app[APP_CONFIG_KEY] = CorsConfig(app, defaults=defaults)
    return config
