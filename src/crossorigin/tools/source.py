"""What a command is about: a policy file, an object in a module, or the address of a server.

``crossorigin.toml``, ``package.module:object`` and ``https://api.example.com/`` are told apart here, and read. What
goes wrong on the way is one sentence. A policy with problems is no wrong use: `PolicyError` and `PolicyFileError` pass,
for the command that lists them.
"""

import asyncio
import importlib
import inspect
import re
import sys
import tomllib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TypeAlias

from ..answer import Rules
from ..browser.url import URL
from ..files import PolicyFile, PolicyFileError, read
from ..findings import PolicyError
from ..policy import Policy
from ..testing.transports import transport_to
from .applications import answers_everything, found_in, is_aiohttp, what_to_write
from .terminal import WrongUse, last_line, shown

FILE, PROJECT_FILE = "crossorigin.toml", "pyproject.toml"

_OBJECT = re.compile(r"[^\W\d]\w*(?:\.[^\W\d]\w*)*:[^\W\d]\w*(?:\.[^\W\d]\w*)*")
_ADDRESS = re.compile(r"https?://", re.IGNORECASE)
# Where a server may be, without its scheme: with a port, or this machine.
_HOST = re.compile(r"(?:[\w-]+(?:\.[\w-]+)*|\[[0-9a-fA-F:.]+\]):\d+(?:[/?].*)?|localhost(?:/.*)?")
_NAME = re.compile(r"[\w-]+(?:\.[\w-]+)+(?:[/?].*)?")
_SUFFIXES = (".toml", ".json")
_ANYWHERE = URL.parse("https://api.example.com/")
_GOOD = (
    "a Policy, AnyOf or ByPath, a mapping of Policy's arguments, an ASGI, WSGI or aiohttp application, or a function "
    "without arguments that returns one of these"
)


@dataclass(frozen=True)
class Application:
    """An application, as an object in this process.

    Attributes:
        app: ASGI, WSGI, or aiohttp's.
        name: As it was named.
    """

    app: object
    name: str


@dataclass(frozen=True)
class Address:
    """A server, by the URL of something on it."""

    url: str


Target: TypeAlias = Rules | PolicyFile | Application | Address


def target_of(text: str | None) -> Target:
    """Return what *text* names.

    Args:
        text: A file, ``module:object`` or a URL; ``None`` for the policy file of the working directory.

    Raises:
        WrongUse: If it names nothing that can be read.
        PolicyError, PolicyFileError: If it names a policy that has problems.

    >>> target_of("https://api.example.com/items")
    Address(url='https://api.example.com/items')
    """
    if text is None:
        return _read(_default_file())
    if _ADDRESS.match(text):
        return Address(text)
    is_object = _OBJECT.fullmatch(text) and not text.partition(":")[0].endswith(".py")
    if is_object and not (text.endswith(_SUFFIXES) and _is_file(Path(text))):
        with guarded(text):
            return _classified(_object(text), text)
    path = Path(text)
    if path.suffix in _SUFFIXES or _is_file(path):
        return _read(path)
    raise WrongUse(f"{text!r} is neither a policy file, nor module:object, nor a URL: {_meant(text)}")


@contextmanager
def guarded(name: str) -> Iterator[None]:
    """Make one sentence of whatever an object, which is somebody else's, raises as it is looked at."""
    try:
        yield
    except (WrongUse, PolicyError, PolicyFileError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise WrongUse(f"{name} cannot be looked at: {last_line(error)}") from error


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name that no file can have
        return False


def _meant(text: str) -> str:
    """Return what to write instead of *text*."""
    if _HOST.fullmatch(text):
        local = re.match(r"localhost\b|[\d.]+(:|/|$)|\[", text)
        return f"write {'http' if local else 'https'}://{text}"
    file, _, attribute = text.partition(":")
    if instead := _object_in(Path(file), attribute or "app"):
        return instead
    if "://" in text:
        return "write an address that begins with https:// or http://"
    return (
        f"write {FILE}, module:object or https://{text}" if _NAME.fullmatch(text) else f"write {FILE} or module:object"
    )


def _object_in(path: Path, attribute: str = "app") -> str | None:
    """Return how to name *attribute* of the module in *path*, from its own folder if that is not below this one."""
    if not path.name or path.suffix not in (".py", ""):
        return None
    if not path.suffix and not _is_file(path.with_name(f"{path.name}.py")) and not _is_file(path / "__init__.py"):
        return None
    folder = ""
    if path.is_absolute() and path.is_relative_to(Path.cwd()) and Path.cwd().name:
        path = path.relative_to(Path.cwd())
    elif path.is_absolute() or ".." in path.parts:
        folder, path = f", from the folder {path.parent}", Path(path.name)
    parts = path.with_suffix("").parts
    meant = f"{'.'.join(parts)}:{attribute}"
    return f"write {meant}{folder}" if _OBJECT.fullmatch(meant) and "." not in "".join(parts) else None


def rules_of(text: str | None) -> Rules:
    """Return the policy that *text* names, or that an application so named has in it.

    Raises:
        WrongUse: If there is none; the sentence says what to write.
        PolicyError, PolicyFileError: If it has problems.
    """
    match target_of(text):
        case Application(app, name):
            with guarded(name):
                found = found_in(app)
            whole = [one.rules for one in found if not one.where]
            if not whole:
                raise WrongUse(what_to_write(app, name))
            return whole[0]
        case Address(url):
            raise WrongUse(f"{url} is the address of a server, and a policy is wanted: name a file or module:object")
        case PolicyFile(rules=rules) | rules:
            return rules


def _default_file() -> Path:
    if Path(FILE).is_file():
        return Path(FILE)
    project = Path(PROJECT_FILE)
    if project.is_file():
        try:
            if "crossorigin" in tomllib.loads(project.read_text(encoding="utf-8")).get("tool", {}):
                return project
        except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError):
            return project  # whoever reads it for good says what is wrong
    raise WrongUse(
        f"neither {FILE} nor a {PROJECT_FILE} with [tool.crossorigin] is in {Path.cwd()}: name a file or module:object"
    )


def _read(path: Path) -> PolicyFile:
    if path.suffix not in _SUFFIXES:
        instead = _object_in(path) if path.suffix == ".py" else None
        rename = "write the policy in a file whose name ends in .toml or .json"
        raise WrongUse(f"{path} is neither TOML nor JSON by its name: {instead or rename}")
    try:
        return read(path)
    except PolicyFileError as error:
        if error.is_readable:
            raise
        raise WrongUse(str(error.problems[0])) from error
    except OSError as error:
        raise WrongUse(f"{path} cannot be read: {error.strerror or error}") from error


def _object(text: str) -> object:
    name, _, attributes = text.partition(":")
    found: object = _imported(name)
    for attribute in attributes.split("."):
        if not hasattr(found, attribute):
            close = get_close_matches(attribute, [known for known in dir(found) if not known.startswith("__")], 1)
            meant = f": did you mean {close[0]!r}?" if close else ""
            raise WrongUse(f"{text}: there is no {attribute!r} in {shown(found)}{meant}")
        found = getattr(found, attribute)
    return found


def _imported(name: str) -> object:
    if str(Path.cwd()) not in sys.path:
        sys.path.insert(0, str(Path.cwd()))  # a console script's path begins with its own folder
    return _run(lambda: importlib.import_module(name), f"{name} does not import")


def _run(call: Callable[[], object], failed: str) -> object:
    """Return what a user's code returns."""
    try:
        return call()
    except (PolicyError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise WrongUse(f"{failed}: {last_line(error)}") from error


def _classified(found: object, text: str, *, may_call: bool = True) -> Target:
    if isinstance(found, Rules) and not answers_everything(found):
        return found
    if is_aiohttp(found) or _is_callable_application(found):
        return Application(found, text)
    if isinstance(found, Mapping):
        return Policy.from_mapping(found)
    if may_call and inspect.isroutine(found) and _takes_nothing(found):
        return _classified(_run(lambda: _awaited(found()), f"{text}() fails"), f"{text}", may_call=False)
    called = "" if may_call else " returns something that"
    raise WrongUse(f"{text}{called} is {shown(found)}, of type {type(found).__name__}; name {_GOOD}")


def _is_callable_application(found: object) -> bool:
    if isinstance(found, (str, type)):
        return False
    try:
        transport_to(found, _ANYWHERE, None, verify=True)
    except TypeError:
        return False
    return True


def _takes_nothing(function: Callable[..., object]) -> bool:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return False
    return True


def _awaited(result: object) -> object:
    async def wait() -> object:
        return await result if inspect.isawaitable(result) else result

    return asyncio.run(wait()) if inspect.isawaitable(result) else result
