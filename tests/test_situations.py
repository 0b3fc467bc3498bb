"""Rules S1 to S16, on every adapter, from the one shared list of situations."""

import pytest

from conformance.situations import SITUATIONS, Situation
from conformance.stacks import STACKS, Stack


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
@pytest.mark.parametrize("situation", SITUATIONS, ids=lambda situation: f"{situation.rule}: {situation.name}")
def test_rule(situation: Situation, stack: Stack) -> None:
    response = stack.ask(stack.serve(situation.policy), situation.request)

    assert situation.problems(response) == []


@pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)
def test_the_suite_can_fail(stack: Stack) -> None:
    # Behind another policy than the one that a situation names, almost nothing of what it expects holds.
    from crossorigin import Policy

    other = Policy("https://unrelated.example", allow_methods=["PATCH"])
    held = [one for one in SITUATIONS if one.cors and not one.problems(stack.ask(stack.serve(other), one.request))]

    assert held == []


def test_every_situation_has_its_own_name() -> None:
    names = [(situation.rule, situation.name) for situation in SITUATIONS]

    assert len(set(names)) == len(names)


def test_every_rule_has_situations() -> None:
    assert {f"S{number}" for number in range(1, 17)} - {situation.rule for situation in SITUATIONS} == {"S6"}
