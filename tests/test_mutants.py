"""The deliberate mistakes of `tests.mutants`: each can still be made, and some of them are made here for real."""

from collections import Counter

import pytest

from tests.mutants import MUTANTS, PACKAGE, ROOT, Mutant, judge

BY_NAME = {mutant.name: mutant for mutant in MUTANTS}


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_a_mistake_has_its_one_place_and_leaves_valid_python(mutant: Mutant) -> None:
    text = (ROOT / PACKAGE / mutant.file).read_text()

    mutated = mutant.mutated(text)

    assert mutated != text
    compile(mutated, mutant.file, "exec")


def test_a_mistake_without_a_place_is_an_error() -> None:
    with pytest.raises(ValueError, match=r"a slip: fetch.py has 0 times 'no such text'"):
        Mutant("a slip", "fetch.py", "no such text", "").mutated("text")


def test_mistakes_have_names_of_their_own() -> None:
    assert [name for name, count in Counter(mutant.name for mutant in MUTANTS).items() if count > 1] == []


@pytest.mark.parametrize("name", ["accept * with credentials", "compare methods without case", "ignore the ok status"])
def test_a_mistake_is_caught(name: str) -> None:
    caught_by = judge(BY_NAME[name]).caught_by

    assert caught_by is not None
    assert caught_by.startswith("test_verdicts.py::")


def test_a_harmless_change_is_not_caught() -> None:
    harmless = Mutant("nothing", "fetch.py", '"""The words of the Fetch standard', '"""Words of the Fetch standard')

    assert judge(harmless, "-k", "b1").caught_by is None
