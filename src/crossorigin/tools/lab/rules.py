"""The one policy of the lab, which the page changes while all stacks run: rules that hand every question on."""

from collections.abc import Sequence

from ...answer import Answer, Reason, Rules


class CurrentRules:
    """Whatever rules are current. Each stack holds this one object from its start to its end.

    Args:
        rules: The first ones.

    Attributes:
        rules: The current ones.
        revision: How often they were replaced.

    >>> from crossorigin import Policy
    >>> current = CurrentRules(Policy("https://app.example.com"))
    >>> current.replace(Policy("*"))
    1
    >>> current.actual("https://other.example").allowed
    True
    """

    # The rules come from text, in which nothing can be async; and WSGI, which asks at its start, could not await it.
    is_async = False

    def __init__(self, rules: Rules) -> None:
        self._current = (rules, 0)

    @property
    def rules(self) -> Rules:
        """The current rules."""
        return self._current[0]

    @property
    def revision(self) -> int:
        """How often they were replaced."""
        return self._current[1]

    def replace(self, rules: Rules) -> int:
        """Make *rules* the current ones, and return the new revision."""
        self._current = (rules, self.revision + 1)
        return self.revision

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
