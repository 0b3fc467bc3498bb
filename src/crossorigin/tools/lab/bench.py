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
from ...explanation import explain
from ...policy import Policy
from ...testing.transports import InThread, OverNetwork
from . import api
from .journal import ID, MOST_IDS, Journal
from .plays import Asked, InputError, Play, disagreements, is_overtaken
from .reading import Reading, read
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
        rules: The rules in force.
        journal: What the stacks saw.
        addresses: Where the stacks are, by word.
    """

    policy: str
    origins: Mapping[str, str]
    rules: CurrentRules = field(default_factory=lambda: CurrentRules(Policy([])))
    addresses: dict[str, str] = field(default_factory=dict)
    _plays: OrderedDict[str, Play] = field(default_factory=OrderedDict)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.journal = Journal(lambda: self.rules.revision)
        self.situations = tuple(situation.at(self.origins) for situation in SITUATIONS)

    def setup(self) -> dict[str, Any]:
        """Return what the page needs to know at its start."""
        return {
            "policy": self.policy,
            "paths": api.PATHS,
            "pages": {**self.origins, SANDBOX: "null"},
            "stacks": [
                {"key": one.key, "label": one.label, "missing": one.missing, "address": self.addresses.get(one.key)}
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
        reading = read(text)
        if reading.rules is None:
            return reading, ()
        async with self._turn:  # of two pages, one would change the policy under the other's model
            revision = self.rules.replace(reading.rules)
            plays = await asyncio.gather(*(self._play(reading.rules, revision, asked, one, engine) for one in stacks))
        for play in plays:
            self._plays[play.identity] = play
        while len(self._plays) > MOST_IDS:
            self._plays.popitem(last=False)
        return reading, tuple(plays)

    async def _play(self, rules: Rules, revision: int, asked: Asked, stack: str, engine: Engine) -> Play:
        identity = secrets.token_urlsafe(9)
        origin = self.origins.get(asked.page, "null")
        url = f"{self.addresses[stack]}{asked.path}?{ID}={identity}"
        self.journal.expect(identity)
        try:
            explanation = explain(
                rules,
                origin=origin,
                method=asked.method,
                headers=asked.headers,
                credentials=asked.credentials,
                url=url,
                engine=engine,
            )
            # The model's own requests have an id of their own, so that the journal has the browser's alone.
            request = Request.of(
                f"{self.addresses[stack]}{asked.path}?{ID}=model-{identity}",
                method=asked.method,
                headers=asked.headers,
                credentials=asked.credentials,
            )
        except RequestError as error:
            return Play(identity, stack, url, revision, impossible=str(error))
        verdict = await _played(request, origin, engine)
        return Play(identity, stack, url, revision, verdict, explanation)

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
        changed = is_overtaken(play, seen)
        found = [] if play.is_declared else ["the stack does not do what the policy says"]
        found += disagreements(play, told, seen)
        return {"seen": [seen_as_data(one) for one in seen], "changed": changed, "disagreements": found}


async def _played(request: Request, origin: str, engine: Engine) -> Verdict:
    """Return what a browser that was never used makes of *request*: it drops what no page can set, as browsers do."""
    network = InThread(OverNetwork(_SECONDS, verify=True))
    await network.open()
    try:
        fetching = Browser(engine).fetch(request, origin=origin)
        return await run_async(fetching, lambda message: network.send(message, lambda error: None))
    finally:
        await network.close()
