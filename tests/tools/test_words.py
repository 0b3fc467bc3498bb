"""A policy in words: the sentence that people would say."""

import re
from datetime import timedelta

import pytest

from crossorigin import LEAVE, AnyOf, ByPath, Policy
from crossorigin.answer import Rules
from crossorigin.compat import DropIn
from crossorigin.tools.words import meanings, sentence

APP = "https://app.example.com"


def test_a_whole_policy_is_one_sentence() -> None:
    policy = Policy(
        [APP, "https://*.example.com"],
        allow_credentials=True,
        allow_methods=["PUT", "DELETE"],
        expose_headers=["X-Total-Count"],
        max_age=600,
    )

    assert sentence(policy) == (
        "pages on https://app.example.com and every subdomain of example.com over https may send PUT and DELETE, "
        "with cookies; they may read X-Total-Count; browsers remember this for 10 minutes"
    )


@pytest.mark.parametrize(
    ("origin", "words"),
    [
        (APP, "https://app.example.com"),
        ("http://localhost:*", "http://localhost on any port"),
        ("https://*.example.com:8443", "every subdomain of example.com over https on port 8443"),
        ("https://*.example.com:*", "every subdomain of example.com over https on any port"),
        ("https://*", "every website over https"),
        ("chrome-extension://abcdef", "chrome-extension://abcdef"),
        (re.compile("https://a[0-9]"), "origins that match re.compile('https://a[0-9]') as a whole"),
    ],
)
def test_each_kind_of_origin(origin: str | re.Pattern[str], words: str) -> None:
    assert sentence(Policy([origin])).startswith(f"pages on {words} may send")


def test_origins_that_are_none() -> None:
    assert sentence(Policy([])) == "no page of another origin may use this"
    assert "no origin at all" in sentence(Policy("null", dangerously_allow="null-origin"))
    assert sentence(Policy("*")).startswith("pages on any website may send")


def test_a_check_is_called_by_its_name() -> None:
    def is_customer(origin: str) -> bool:
        return True

    assert "is_customer accepts may send" in sentence(Policy([], allow_origin_check=is_customer))


def test_many_origins_are_counted() -> None:
    text = sentence(Policy([f"https://a{number}.example.com" for number in range(1000)]))

    assert "https://a11.example.com and 988 more may send" in text


@pytest.mark.parametrize(
    ("policy", "words"),
    [
        (Policy(APP), "GET, HEAD and POST, without cookies"),
        (Policy(APP, allow_methods="*"), "any method, without cookies"),
        (Policy(APP, allow_headers=["X-Id"]), "GET, HEAD and POST with the header X-Id, without"),
        (Policy(APP, allow_headers=["X-Id", "X-B"]), "with the headers X-Id and X-B, without"),
        (Policy(APP, allow_headers="*"), "with any header but Authorization"),
        (Policy(APP, allow_headers=["*", "authorization"]), "with any header, without"),
        (Policy(APP, expose_headers="*"), "; they may read every response header;"),
        (Policy(APP, allow_private_network=True), "; preflights for private networks are answered;"),
        (Policy(APP, max_age=None), "remember this for 5 seconds at most"),
        (Policy(APP, max_age=0), "browsers ask again for every request"),
        (Policy(APP, max_age=timedelta(hours=1)), "remember this for 1 hour"),
    ],
)
def test_each_argument_has_its_words(policy: Policy, words: str) -> None:
    assert words in sentence(policy)


def test_policies_put_together_are_told_in_the_order_in_which_they_are_asked() -> None:
    rules = ByPath(
        {"/public/": Policy("*"), "/old": LEAVE, "/none": None, "/": AnyOf(Policy(APP), Policy([]), Policy("*"))}
    )

    told = meanings(rules)

    assert [meaning.where for meaning in told] == [
        "/public and below",
        "/old and below",
        "/none and below",
        "every path, asked first",
        "every path, if the first does not allow the origin",
        "every path, if none of the first 2 allows the origin",
    ]
    assert told[1].text == "left to whatever is inside, preflights included"
    assert told[2].text == told[4].text == "no page of another origin may use this"


def test_paths_that_no_rule_covers_are_told_too() -> None:
    assert meanings(ByPath({"/api": Policy("*")}))[-1] == ("every other path", "no page of another origin may use this")


def test_a_drop_in_means_what_its_policy_means() -> None:
    rules: Rules = DropIn(Policy(APP))

    assert meanings(rules) == meanings(Policy(APP))


def test_rules_by_method_are_told_by_method() -> None:
    from crossorigin.aiohttp import ByMethod

    told = meanings(ByMethod({"PUT": Policy(APP)}, default=Policy("*")))

    assert [meaning.where for meaning in told] == ["PUT", "every other method"]
