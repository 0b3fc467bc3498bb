"""The five stacks of the lab: which there are, whether each is installed here, and how it is made.

Each module beside this one has the API as an application of its framework, behind the policy, told to the journal. None
is imported before it is known to be installed.
"""

from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal, NamedTuple

from ....answer import Rules
from ..journal import Journal


class Stack(NamedTuple):
    """One stack.

    Attributes:
        key: Its word in the page's address; the name of its module here.
        needs: The package that it cannot do without, if any.
        kind: What serves it.
    """

    key: str
    needs: str | None
    kind: Literal["asgi", "wsgi", "aiohttp"]

    @property
    def label(self) -> str:
        """What people call it."""
        if self.key == "starlette":
            return "FastAPI" if find_spec("fastapi") else "Starlette"
        return {"aiohttp": "aiohttp", "kui": "Kui"}.get(self.key, self.key.upper())

    @property
    def missing(self) -> str | None:
        """Why it cannot run here, or nothing if it can."""
        if self.needs is None or find_spec(self.needs) is not None:
            return None
        return f"not installed: pip install {self.needs}"

    def build(self, rules: Rules, journal: Journal) -> Any:
        """Return the application behind *rules*, which tells *journal* what it sees."""
        make: Callable[[Rules, Journal], Any] = import_module(f"{__name__}.{self.key}").build
        return make(rules, journal)


STACKS = (
    Stack("asgi", None, "asgi"),
    Stack("starlette", "starlette", "asgi"),
    Stack("wsgi", None, "wsgi"),
    Stack("aiohttp", "aiohttp", "aiohttp"),
    Stack("kui", "kui", "asgi"),
)
