"""How an answer gets into a response, where no policy makes use of it but those of the drop-ins."""

from crossorigin import Policy, fetch
from crossorigin.answer import Answer, Header, keeping, preflight_reply, write, write_wire

APP = "https://app.example.com"
OWN: list[Header] = [
    ("Content-Type", "text/plain"),
    ("Access-Control-Allow-Origin", "https://own.example"),
    ("ACCESS-CONTROL-EXPOSE-HEADERS", "Content-Disposition"),
    ("X-Total-Count", "3"),
]


def both(headers: list[Header], answer: Answer) -> list[Header]:
    """Return what `write` makes of *headers*, with names in lower case, and check that `write_wire` does the same."""
    written = [(name.lower(), value) for name, value in write(headers, answer)]
    wire = write_wire([(name.lower().encode(), value.encode()) for name, value in headers], answer)
    assert [(name.decode(), value.decode()) for name, value in wire] == written
    return written


def kept(answer: Answer, names: frozenset[str] = fetch.CORS_RESPONSE_HEADERS) -> Answer:
    return answer._replace(block=keeping(answer, names))


def test_s11_a_policy_replaces_every_cors_line_of_the_application() -> None:
    assert both(OWN, Policy(APP).actual(APP)) == [
        ("content-type", "text/plain"),
        ("x-total-count", "3"),
        ("access-control-allow-origin", APP),
        ("vary", "Origin"),
    ]


def test_a_block_that_keeps_replaces_what_it_sets_and_leaves_the_rest() -> None:
    answer = Policy(APP).actual(APP)

    assert both(OWN, kept(answer)) == [
        ("content-type", "text/plain"),
        ("access-control-expose-headers", "Content-Disposition"),
        ("x-total-count", "3"),
        ("access-control-allow-origin", APP),
        ("vary", "Origin"),
    ]


def test_a_block_that_keeps_leaves_all_lines_of_the_application_to_a_denied_origin() -> None:
    answer = Policy(APP).actual("https://evil.example")

    written = both(OWN, kept(answer))

    assert dict(written)["access-control-allow-origin"] == "https://own.example"


def test_a_block_keeps_only_the_headers_that_it_names() -> None:
    own = [*OWN, ("Access-Control-Allow-Credentials", "true"), ("access-control-unheard-of", "1")]
    names = fetch.CORS_RESPONSE_HEADERS - {"access-control-allow-credentials"}
    answer = Policy(APP).actual(APP)

    written = both(own, kept(answer, names))

    assert [name for name, _ in written if name.startswith("access-control-")] == [
        "access-control-expose-headers",
        "access-control-allow-origin",
    ]


def test_s8_a_block_that_keeps_exposes_names_in_one_line_and_no_cors_header_among_them() -> None:
    own = [*OWN, ("Access-Control-Max-Age", "5")]
    answer = Policy(APP, allow_credentials=True, expose_headers="*").actual(APP)

    written = both(own, kept(answer))

    assert [value for name, value in written if name == "access-control-expose-headers"] == ["x-total-count"]
    assert ("access-control-max-age", "5") in written


def test_an_answer_to_a_preflight_may_have_a_text_of_its_own() -> None:
    policy = Policy(APP)

    allowed = preflight_reply(policy.preflight(APP, "/", "PUT")._replace(text="OK"), 200)
    denied = preflight_reply(policy.preflight("https://evil.example", "/", "PUT")._replace(status=400, text="no"), 200)

    assert (allowed.status, allowed.body, dict(allowed.headers)["Content-Length"]) == (200, b"OK", "2")
    assert (denied.status, denied.body, dict(denied.headers)["Vary"]) == (400, b"no", "Origin")


def test_s13_methods_are_sent_as_they_are_declared() -> None:
    answer = Policy(APP, allow_methods=["GET", "PUT", "HEAD"]).preflight(APP, "/", "PUT")

    assert dict(answer.headers)["Access-Control-Allow-Methods"] == "GET, PUT, HEAD"
