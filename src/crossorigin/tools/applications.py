"""Where the rules are in an application that has one of our adapters in it, or a drop-in, on any stack.

Looks and changes nothing, but that Starlette's middleware is built once more, as it is at the first request. Knows
which attributes hold what in each framework, and imports none of them that the application does not use itself.
"""

import sys
from collections.abc import Iterator
from typing import Any, NamedTuple

from ..adapter import RULES, Adapter, wrapped
from ..answer import Rules
from .terminal import WrongUse, last_line


class Found(NamedTuple):
    """Rules in an application, and what they are for.

    Attributes:
        where: The route or the endpoint; empty for the whole application.
        rules: The rules there.
    """

    where: str
    rules: Rules


def found_in(app: object) -> list[Found]:
    """Return the rules in *app*, those of the whole application first.

    >>> from crossorigin import Policy
    >>> from crossorigin.wsgi import CORSMiddleware
    >>> found_in(CORSMiddleware(lambda environ, start_response: [], Policy("*")))
    [Found(where='', rules=Policy(['*']))]
    """
    whole: list[Found] = []
    parts: list[Found] = []
    routers: list[object] = []
    for layer in layers(app):
        if isinstance(layer, Adapter) and getattr(layer, "_inner", None) is None:  # around another, that one decides
            whole.append(Found("", layer.policy))
        elif is_aiohttp(layer):
            whole += _of_aiohttp(layer)
        router = getattr(layer, "router", None) if is_starlette(layer) else layer
        if is_of(router, "starlette.routing", "Router") and router not in routers:
            routers.append(router)
            parts += _of_routes(router)
    return [*whole, *parts]


def layers(app: object) -> Iterator[object]:
    """Yield *app* and what a request passes behind it, as far as it tells."""
    for layer in wrapped(app):
        yield layer
        if answers_everything(layer):  # there would be no end to it
            return
        if is_starlette(layer):
            yield from wrapped(_stack(layer))
        # A middleware that is a plain function keeps its adapter among its variables.
        for cell in getattr(layer, "__closure__", None) or ():
            try:
                content = cell.cell_contents
            except ValueError:  # a variable without a value yet
                continue
            if isinstance(content, Adapter):
                yield content


def answers_everything(found: object) -> bool:
    """Return whether *found* has whatever attribute is asked for, as a mock has, so that none says what it is."""
    return hasattr(found, "no_interface_has_an_attribute_of_this_name")


def _stack(app: Any) -> object:
    try:
        return app.middleware_stack or app.build_middleware_stack()
    except Exception as error:
        raise WrongUse(f"the application cannot build its middleware: {last_line(error)}") from error


def is_aiohttp(app: object) -> bool:
    """Return whether *app* is an application of aiohttp."""
    return is_of(app, "aiohttp.web", "Application")


def is_starlette(app: object) -> bool:
    """Return whether *app* is an application of Starlette or FastAPI."""
    return is_of(app, "starlette.applications", "Starlette")


def is_of(app: object, module: str, name: str) -> bool:
    """Return whether *app* is of the class *name* of *module*, which need not be imported."""
    kind = getattr(sys.modules.get(module), name, None)  # who has such an application has imported it
    return isinstance(kind, type) and isinstance(app, kind)


def _of_routes(router: Any, prefix: str = "") -> Iterator[Found]:
    """Yield what the endpoints of Starlette's and FastAPI's routes are marked with, and what mounts have."""
    for route in router.routes:
        path = prefix + getattr(route, "path", "")
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _of_routes(included, path)
            continue
        yield from _marked(getattr(route, "endpoint", None), path)
        mounted = getattr(route, "app", None)
        if is_of(route, "starlette.routing", "Mount"):
            for found in found_in(mounted):
                yield Found(f"{path}{found.where}" if found.where else f"{path}/", found.rules)


def _of_aiohttp(app: Any) -> Iterator[Found]:
    adapters = [value for value in app.values() if isinstance(value, Adapter)]
    yield from (Found("", adapter.policy) for adapter in adapters)
    for resource in app.router.resources():
        yield from _marked(resource, resource.canonical)
        for route in resource:
            yield from _marked(route, f"{route.method} {resource.canonical}")
            yield from _marked(route.handler, f"{route.method} {resource.canonical}")


def _marked(target: object, where: str) -> Iterator[Found]:
    """Yield the rules with which *target* is marked, and if it is a class of methods, each of these."""
    own = getattr(target, RULES, None)
    if own is not None:
        yield Found(where, own)
    if isinstance(target, type):
        for name in ("get", "head", "post", "put", "patch", "delete", "options"):
            rules = getattr(getattr(target, name, None), RULES, None)
            if rules is not None:
                yield Found(f"{name.upper()} {where}", rules)


def what_to_write(app: object, name: str) -> str:
    """Return what to say of *app*, which was named *name* and has no rules in it."""
    no_policy = f"{name} has no policy of crossorigin's in it"
    if is_starlette(app):
        foreign = any(type(layer).__module__ == "starlette.middleware.cors" for layer in layers(app))
        play = f"; `crossorigin explain {name} --origin ...` plays requests against its own CORSMiddleware"
        return f"{no_policy}: write crossorigin.starlette.setup(app, policy){play * foreign}"
    if is_aiohttp(app):
        return f"{no_policy}: write crossorigin.aiohttp.setup(app, policy)"
    if type(app).__module__.partition(".")[0] == "kui":
        return f"{no_policy}: write crossorigin.kui.setup(app, policy)"
    if hasattr(app, "wsgi_app"):
        where = "CORSMiddleware of crossorigin.wsgi"
        return f"{no_policy}: write app.wsgi_app = CORSMiddleware(app.wsgi_app, policy), with {where}"
    return (
        f"{no_policy} that can be seen: write app = CORSMiddleware(app, policy), with that of crossorigin.asgi or "
        "crossorigin.wsgi, or name the policy itself, module:policy"
    )
