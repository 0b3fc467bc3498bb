"""The policy of the lab, which pages change while all stacks run: rules that hand every question on.

Two pages may play at once, each under its own policy. So each play keeps the rules that it began with, for all requests
with its id; a stack says with `PLAY` whose request it has. What comes without an id is answered by the latest rules.
"""

from collections import OrderedDict
from collections.abc import Sequence
from contextvars import ContextVar

from ...answer import Answer, Reason, Rules
from .journal import MOST_IDS

PLAY: ContextVar[str | None] = ContextVar("PLAY", default=None)


class CurrentRules:
    """Whatever rules are current. Each stack holds this one object from its start to its end.

    Args:
        rules: The first ones.

    >>> from crossorigin import Policy
    >>> current = CurrentRules(Policy("https://app.example.com"))
    >>> current.replace(Policy("*"), play="a")
    >>> current.actual("https://other.example").allowed
    True
    """

    # The rules come from text, in which nothing can be async; and WSGI, which asks at its start, could not await it.
    is_async = False

    def __init__(self, rules: Rules) -> None:
        self._latest = rules
        self._by_play: OrderedDict[str, Rules] = OrderedDict()

    @property
    def rules(self) -> Rules:
        """The rules of the play under way, or else the latest ones."""
        return self._by_play.get(PLAY.get() or "", self._latest)

    def replace(self, rules: Rules, play: str) -> None:
        """Make *rules* the current ones, and those of *play* for good."""
        self._latest = self._by_play[play] = rules
        while len(self._by_play) > MOST_IDS:
            self._by_play.popitem(last=False)

    def actual(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as the current rules do."""
        return self.rules.actual(origin, path)

    def preflight(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as the current rules do."""
        return self.rules.preflight(origin, path, method, headers, private_network)

    async def actual_async(self, origin: str | None, path: str = "/") -> Answer | None:
        """Answer as `actual` does."""
        return self.actual(origin, path)

    async def preflight_async(
        self, origin: str, path: str, method: str, headers: Sequence[str] = (), private_network: bool = False
    ) -> Answer | None:
        """Answer as `preflight` does."""
        return self.preflight(origin, path, method, headers, private_network)

    def near_miss(
        self, reason: Reason, origin: str, path: str = "/", method: str = "", headers: Sequence[str] = ()
    ) -> str | None:
        """Say what the current rules say."""
        return self.rules.near_miss(reason, origin, path, method, headers)
