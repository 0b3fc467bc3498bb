"""The lines of keys and entries, in every way of writing that TOML and JSON have."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crossorigin.syntax import Key, Positions, spelled

TOML = '''\
# allow_origins = ["https://app.example.com"]

"a" = "# no comment" # but this is one: [
b.c."d.e" = 1
text = """
a = [1,
"quoted\\"""""
literal = \'\'\'
[x]\'\'\'\'
  [ sec . "on d" ]   # [other]
list = [ # "one"
  "one", 'two',
  # "three"
  [ "three", [
     4 ] ],
  { five.six = [
    "}", 6] , seven = 7}, 1979-05-27 07:32:00,
  """
eight
""", "nine",
]
after = true
[[tables]]
x = 1'''

LINES: dict[Key, int] = {
    ("a",): 3,
    ("b",): 4,
    ("b", "c"): 4,
    ("b", "c", "d.e"): 4,
    ("text",): 5,
    ("literal",): 8,
    ("sec",): 10,
    ("sec", "on d"): 10,
    ("sec", "on d", "list"): 11,
    ("sec", "on d", "list", 0): 12,
    ("sec", "on d", "list", 1): 12,
    ("sec", "on d", "list", 2, 0): 14,
    ("sec", "on d", "list", 2, 1, 0): 15,
    ("sec", "on d", "list", 3): 16,
    ("sec", "on d", "list", 3, "five", "six", 1): 17,
    ("sec", "on d", "list", 3, "seven"): 17,
    ("sec", "on d", "list", 4): 17,
    ("sec", "on d", "list", 5): 18,
    ("sec", "on d", "list", 6): 20,
    ("sec", "on d", "after"): 22,
    ("tables", "x"): 24,
}


@pytest.mark.parametrize("key", LINES, ids=spelled)
def test_the_line_of_a_key_in_toml(key: Key) -> None:
    assert Positions(TOML, "toml").line(key) == LINES[key]


def test_what_is_not_there_has_the_line_of_what_is_around_it() -> None:
    positions = Positions(TOML, "toml")

    assert positions.line(("sec", "on d", "missing", 3)) == 10
    assert positions.line(("missing",)) is None
    assert positions.line(()) is None


numbered = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
)


@given(st.dictionaries(st.text(), numbered))
def test_the_lines_of_all_keys_in_json(data: dict[str, object]) -> None:
    # Indented JSON has each key and each entry on a line of its own, in order.
    text = json.dumps(data, indent=1, ensure_ascii=False)
    positions = Positions(text, "json")
    expected = iter(number for number, line in enumerate(text.split("\n"), 1) if line.strip(" ,")[:1] not in "]}")

    def walk(value: object, key: Key) -> None:
        assert (positions.line(key) or 1) == next(expected)
        if isinstance(value, dict):
            for name, inner in value.items():
                walk(inner, (*key, name))
        elif isinstance(value, list):
            for index, inner in enumerate(value):
                walk(inner, (*key, index))

    walk(data, ())
    assert positions.repeated == []


def test_keys_that_stand_twice_in_json() -> None:
    positions = Positions('{"a": {"b": 1},\n"c": {"b": 2,\n"b": 3},\n"a": 4}', "json")

    assert positions.repeated == [(("c", "b"), 3), (("a",), 4)]
    assert positions.line(("a", "b")) == 4
