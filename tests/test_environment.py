"""`Policy.from_env`: a policy out of environment variables, as a person who deploys an application sets them."""

import pytest

from crossorigin import Policy, PolicyError

APP = "https://app.example.com"


def from_env(prefix: str = "CORS_", **variables: str) -> Policy:
    return Policy.from_env(prefix, variables)


def findings(prefix: str = "CORS_", **variables: str) -> list[tuple[str, str, object, object]]:
    with pytest.raises(PolicyError) as caught:
        from_env(prefix, **variables)
    return [(found.where, found.code, found.value, found.fix) for found in caught.value.findings]


def test_every_argument_that_can_be_text_has_a_variable() -> None:
    policy = from_env(
        CORS_ALLOW_ORIGINS=f"{APP}, http://*.example.com,null",
        CORS_ALLOW_CREDENTIALS="true",
        CORS_ALLOW_METHODS="PUT,DELETE",
        CORS_ALLOW_HEADERS="Authorization, X-Request-Id",
        CORS_EXPOSE_HEADERS="X-Total-Count",
        CORS_MAX_AGE="60",
        CORS_ALLOW_PRIVATE_NETWORK="True",
        CORS_DANGEROUSLY_ALLOW="null-origin,insecure-origin-with-credentials",
    )

    assert policy == Policy(
        [APP, "http://*.example.com", "null"],
        allow_credentials=True,
        allow_methods=["PUT", "DELETE"],
        allow_headers=["Authorization", "X-Request-Id"],
        expose_headers=["X-Total-Count"],
        max_age=60,
        allow_private_network=True,
        dangerously_allow=["null-origin", "insecure-origin-with-credentials"],
    )


def test_the_variables_are_those_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORS_ALLOW_ORIGINS", APP)
    monkeypatch.setenv("CORS_MAX_AGE", "none")

    assert Policy.from_env() == Policy(APP, max_age=None)


def test_two_applications_have_two_prefixes() -> None:
    variables = {"A_ALLOW_ORIGINS": APP, "B_ALLOW_ORIGINS": "*", "PATH": "/bin"}

    assert (from_env("A_", **variables), from_env("B_", **variables)) == (Policy(APP), Policy("*"))


def test_an_empty_variable_counts_as_not_set() -> None:
    empty = {"CORS_ALLOW_CREDENTIALS": "", "CORS_ALLOW_METHODS": " ", "CORS_MAX_AGE": "", "CORS_EXPOSE_HEADERS": ","}

    assert from_env(CORS_ALLOW_ORIGINS=f"{APP},", **empty) == Policy(APP)


@pytest.mark.parametrize("value", ["", " ", ","])
def test_empty_origins_are_no_policy_that_silently_refuses_everybody(value: str) -> None:
    assert findings(CORS_ALLOW_ORIGINS=value) == [("CORS_ALLOW_ORIGINS", "argument-missing", None, None)]


def test_nothing_set_at_all_is_said_so() -> None:
    with pytest.raises(PolicyError) as caught:
        from_env(PATH="/bin", cors_allow_origins=APP)

    (found,) = caught.value.findings
    assert found.message == "the policy must say which origins it allows, and no variable begins with CORS_"


def test_all_mistakes_are_told_at_once_by_the_names_of_the_variables() -> None:
    assert findings(
        CORS_ALOW_METHODS="PUT",
        CORS_ALLOW_ORIGINS=f"{APP},https://Other.example/,https://a.example https://b.example",
        CORS_ALLOW_CREDENTIALS="yes",
        CORS_ALLOW_HEADERS="Cookie",
        CORS_MAX_AGE="600s",
        CORS_DANGEROUSLY_ALLOW="null-orign",
        CORS_ALLOW_ORIGIN_CHECK="checks:partner",
    ) == [
        ("CORS_ALLOW_ORIGIN_CHECK", "check-type", "checks:partner", None),
        ("CORS_ALOW_METHODS", "argument-unknown", "CORS_ALOW_METHODS", "CORS_ALLOW_METHODS"),
        ("CORS_ALLOW_ORIGINS[1]", "origin-path", "https://Other.example/", "https://other.example"),
        ("CORS_ALLOW_ORIGINS[1]", "origin-uppercase", "https://Other.example/", "https://other.example"),
        (
            "CORS_ALLOW_ORIGINS[2]",
            "origin-list",
            "https://a.example https://b.example",
            "https://a.example,https://b.example",
        ),
        ("CORS_ALLOW_CREDENTIALS", "flag-type", "yes", "true"),
        ("CORS_ALLOW_HEADERS[0]", "header-forbidden", "Cookie", None),
        ("CORS_MAX_AGE", "max-age-type", "600s", None),
        ("CORS_DANGEROUSLY_ALLOW[0]", "danger-unknown", "null-orign", "null-origin"),
    ]


def test_a_number_out_of_range_is_told_as_a_number() -> None:
    assert findings(CORS_ALLOW_ORIGINS=APP, CORS_MAX_AGE="-1") == [("CORS_MAX_AGE", "max-age-range", -1, "0")]


def test_a_danger_is_refused_until_it_is_accepted() -> None:
    assert [found[:2] for found in findings(CORS_ALLOW_ORIGINS="*", CORS_ALLOW_CREDENTIALS="TRUE")] == [
        ("CORS_ALLOW_ORIGINS[0]", "any-origin-with-credentials")
    ]


def test_the_error_does_not_show_the_value_of_a_variable_that_is_none_of_ours() -> None:
    with pytest.raises(PolicyError) as caught:
        from_env("API_", API_ALLOW_ORIGINS=APP, API_PASSWORD="correct horse")

    assert "API_PASSWORD" in str(caught.value)
    assert "horse" not in str(caught.value)


def advice(**variables: str) -> list[str]:
    with pytest.raises(PolicyError) as caught:
        from_env(**variables)
    return [found.advice for found in caught.value.findings]


def test_what_to_do_is_said_in_variables() -> None:
    assert advice(
        CORS_ALLOW_ORIGINS="*, https://.*[.]a[.]example",
        CORS_ALLOW_CREDENTIALS="true",
        CORS_MAX_AGE="1h",
        CORS_ALLOW_PRIVATE_NETWORK="maybe",
        CORS_ALLOW_ORIGIN_REGEX=".*",
    ) == [
        "a regular expression stands among the origins, and has no argument of its own; write a pattern such as "
        "https://*.example.com into CORS_ALLOW_ORIGINS; no variable holds an expression [argument-regex]",
        "any website could act and read as the logged-in user; name the origins; or turn allow_credentials off; or "
        "accept "
        "it with CORS_DANGEROUSLY_ALLOW=any-origin-with-credentials [any-origin-with-credentials]",
        "text is never read as a regular expression; write a pattern such as https://*.example.com [origin-regex-text]",
        "this is a whole number of seconds, or none; write the number of seconds, or none [max-age-type]",
        "this is true or false, nothing else; write true or false [flag-type]",
    ]
    assert advice(CORS_MAX_AGE="1") == [
        "the policy must say which origins it allows, and CORS_ALLOW_ORIGINS is empty or not set; set "
        "CORS_ALLOW_ORIGINS "
        "[argument-missing]"
    ]


@pytest.mark.parametrize(("text", "value"), [("123456789", 123456789), ("-1", -1), ("1234567890", "1234567890")])
def test_a_number_of_more_than_nine_digits_is_no_number_of_seconds(text: str, value: object) -> None:
    ((_, code, given, _),) = findings(CORS_ALLOW_ORIGINS=APP, CORS_MAX_AGE=text)

    assert (code, given) == ("max-age-range" if isinstance(value, int) else "max-age-type", value)


def test_an_empty_prefix_is_refused() -> None:
    with pytest.raises(ValueError, match="prefix is empty"):
        from_env("", ALLOW_ORIGINS=APP)
