"""What a running lab keeps: the policy in force, where the stacks are, the plays under way, and what servers saw.

Knows no HTTP of its own: `site` carries what goes in and out. Whether all agree, `plays` says.
"""

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from ...answer import Rules
from ...browser import Browser, Engine, Request, RequestError, Verdict, run_async
from ...explanation import Explanation, explain
from ...policy import Policy
from ...testing.transports import InThread, OverNetwork
from ..trial import is_quick, may_match
from . import api
from .journal import ID, MOST_IDS, Journal, of_model
from .plays import Asked, InputError, Play, disagreements
from .reading import HELD, LONGEST, Problem, Reading, read
from .rules import CurrentRules
from .situations import SANDBOX, SITUATIONS
from .stacks import STACKS
from .telling import play_as_data, seen_as_data

_SECONDS = 30.0  # for a stack to answer the model


@dataclass
class Bench:
    """The state of a running lab.

    Attributes:
        policy: The text with which the page begins.
        origins: The pages' origins, by word.
        given: Whether the policy is of whoever started the lab, and not one of the lab's own.
        rules: The rules in force.
        journal: What the stacks saw.
        addresses: Where the stacks are, by word.
        failed: Why a stack is not there that should be, by word.
    """

    policy: str
    origins: Mapping[str, str]
    given: bool = False
    rules: CurrentRules = field(default_factory=lambda: CurrentRules(Policy([])))
    journal: Journal = field(default_factory=Journal)
    addresses: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    _plays: OrderedDict[str, Play] = field(default_factory=OrderedDict)
    _tried: str | None = None  # the last text whose expressions were matched in time

    def __post_init__(self) -> None:
        self.situations = tuple(situation.at(self.origins) for situation in SITUATIONS)
        self.longest = max(LONGEST, 2 * len(self.policy))  # whose own policy is longer may edit it

    def setup(self) -> dict[str, Any]:
        """Return what the page needs to know at its start."""
        return {
            "policy": self.policy,
            "given": self.given,
            "paths": api.PATHS,
            "pages": {**self.origins, SANDBOX: "null"},
            "stacks": [
                {
                    "key": one.key,
                    "label": one.label,
                    "missing": self.failed.get(one.key, one.missing),
                    "address": self.addresses.get(one.key),
                }
                for one in STACKS
            ],
            "situations": [
                {
                    "key": one.key,
                    "name": one.name,
                    "lesson": one.lesson,
                    "policy": one.policy,
                    "expects": one.expects,
                    "request": one.request(),
                }
                for one in self.situations
            ],
        }

    async def read(self, text: str) -> Reading:
        """Return what *text* says, if that can be found out in time."""
        if len(text) > self.longest:
            return Reading(None, (Problem("error", "the text", f"it is longer than {self.longest} characters"),))
        if text != self._tried and may_match(text):
            if not await asyncio.to_thread(is_quick, text, (*self.origins.values(), "null")):
                return Reading(None, (), HELD)
            self._tried = text
        return read(text)

    async def prepare(self, text: str, asked: Asked, stacks: Sequence[str], engine: Engine) -> dict[str, Any]:
        """Put the policy of *text* in force, play *asked* on *stacks* with the model, and return what that gave.

        Raises:
            InputError: If one of *stacks* does not run here, or is named twice.
        """
        if len(set(stacks)) < len(stacks):
            raise InputError("each stack plays once")
        for stack in stacks:
            if stack not in self.addresses:
                raise InputError(f"the stacks are {', '.join(self.addresses)}, not {stack!r:.40}")
        reading, plays = await self.play(text, asked, stacks, engine)
        told = [play_as_data(play) for play in plays]
        return {**reading.as_data(), "engine": engine.name, "plays": told}

    async def play(
        self, text: str, asked: Asked, stacks: Iterable[str], engine: Engine
    ) -> tuple[Reading, tuple[Play, ...]]:
        """Put the policy of *text* in force, and play *asked* on *stacks* with the model."""
        reading = await self.read(text)
        if reading.rules is None:
            return reading, ()
        plays = await asyncio.gather(*(self._play(reading.rules, asked, one, engine) for one in stacks))
        for play in plays:
            self._plays[play.identity] = play
        while len(self._plays) > MOST_IDS:
            self._plays.popitem(last=False)
        return reading, tuple(plays)

    async def _play(self, rules: Rules, asked: Asked, stack: str, engine: Engine) -> Play:
        identity = secrets.token_urlsafe(9)
        origin = self.origins.get(asked.page, "null")
        address = self.addresses[stack]
        url = f"{address}{asked.path}?{ID}={identity}"

        def declared(url: str) -> Explanation:
            return explain(
                rules,
                origin=origin,
                method=asked.method,
                headers=asked.headers,
                credentials=asked.credentials,
                url=url,
                engine=engine,
            )

        try:
            explanation = declared(url)
            request = Request.of(
                f"{address}{asked.path}?{ID}={of_model(identity)}",
                method=asked.method,
                headers=asked.headers,
                credentials=asked.credentials,
            )
        except RequestError as error:
            return Play(identity, stack, url, impossible=str(error))
        self.rules.replace(rules, identity)
        for one in (identity, of_model(identity)):
            self.journal.expect(one)
        verdict = await _played(request, origin, engine)
        last = verdict.exchanges[-1].request.url if verdict.exchanges else url
        if explanation.allowed and last.partition("?")[0] != url.partition("?")[0]:
            explanation = declared(last)  # a redirect led to another path, which may have another policy
        return Play(identity, stack, url, verdict, explanation, tuple(self.journal.of(of_model(identity))))

    def report(self, identity: str, outcome: object) -> dict[str, Any]:
        """Return what the server saw of a play, and what of it is not as the model said.

        Args:
            identity: That of the play.
            outcome: What the page got: ``{"status": ..., "headers": {...}}`` or ``{"error": ...}``.

        Raises:
            InputError: If there is no such play, or such an outcome.
        """
        play = self._plays.get(identity)
        if play is None:
            raise InputError("there is no such play: press fetch again")
        told: dict[str, Any]
        match outcome:
            case {"status": int(status), "headers": dict(headers)}:
                told = {"status": status, "headers": headers}
            case {"error": str(error)}:
                told = {"error": error}
            case _:
                raise InputError("an outcome has a status and headers, or an error")
        seen = self.journal.of(identity)
        return {"seen": [seen_as_data(one) for one in seen], "disagreements": disagreements(play, told, seen)}


async def _played(request: Request, origin: str, engine: Engine) -> Verdict:
    """Return what a browser that was never used makes of *request*: it drops what no page can set, as browsers do."""
    network = InThread(OverNetwork(_SECONDS, verify=True))
    await network.open()
    try:
        fetching = Browser(engine).fetch(request, origin=origin)
        return await run_async(fetching, lambda message: network.send(message, lambda error: None))
    finally:
        await network.close()
