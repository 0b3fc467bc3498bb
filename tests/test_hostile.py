"""S3, F4, P4: whatever a client sends, nothing raises, nothing is echoed, and one answer never leaks into the next."""

import string
from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conformance.messages import Request
from conformance.situations import CREDENTIALED, EVERYTHING, PUBLIC, REFLECTING
from conformance.stacks import STACKS, Stack
from crossorigin import Policy

APP = "https://app.example.com"
POLICIES = (CREDENTIALED, EVERYTHING, PUBLIC, REFLECTING)
GRAMMAR = set(string.ascii_letters + string.digits + "!#$%&'*+-.^_`|~:/[], ")  # what a header of ours may consist of

anything = st.text(st.characters(max_codepoint=255), max_size=40)
origins = anything | st.sampled_from([APP, "null", "https://a.example.com", "https://a.example.com,"])
requests = st.one_of(
    st.builds(Request.actual, origins),
    st.builds(
        lambda origin, method, names: Request.preflight(origin, method, *names),
        origins,
        anything,
        st.lists(anything, max_size=3),
    ),
)

parametrize_stacks = pytest.mark.parametrize("stack", STACKS, ids=lambda stack: stack.name)


@parametrize_stacks
@given(request=requests, policy=st.sampled_from(POLICIES))
def test_s3_nothing_raises_and_nothing_malformed_is_sent(stack: Stack, request: Request, policy: Policy) -> None:
    response = stack.ask(stack.serve(policy), request)

    assert response.error is None
    assert set("".join(response.cors.values())) <= GRAMMAR


@parametrize_stacks
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize(
    "names", ["," * 3_000_000, "a," * 1_500_000, "a" * 3_000_000, " " * 3_000_000, "\t,\x00" * 1_000_000]
)
def test_f4_megabytes_of_asked_for_headers_are_not_granted(stack: Stack, policy: Policy, names: str) -> None:
    response = stack.ask(stack.serve(policy), Request.preflight(APP, "PUT", names))

    assert len(response.cors.get("allow-headers", "")) < 100


@parametrize_stacks
@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("origin", ["https://" + "a" * 100_000, "https://" + "a." * 50_000 + "com", "h" * 100_000])
def test_f4_an_origin_of_100_kilobytes_is_not_echoed(stack: Stack, policy: Policy, origin: str) -> None:
    for request in (Request.actual(origin), Request.preflight(origin)):
        assert stack.ask(stack.serve(policy), request).cors.get("allow-origin") in (None, "*")


@parametrize_stacks
def test_thousands_of_header_lines_are_not_granted(stack: Stack) -> None:
    response = stack.ask(stack.serve(EVERYTHING), Request.preflight(APP, "PUT", *["x-a"] * 5000))

    assert "allow-headers" not in response.cors


@parametrize_stacks
def test_what_is_returned_cannot_be_changed_into_the_next_answer(stack: Stack) -> None:
    app = stack.serve(CREDENTIALED)
    answer = CREDENTIALED.actual(APP)

    with pytest.raises(TypeError):
        answer.headers[0] = ("Access-Control-Allow-Origin", "*")  # type: ignore[index]
    with pytest.raises(AttributeError):
        answer.origin = "*"  # type: ignore[misc]
    first = stack.ask(app, Request.actual(APP))
    stack.ask(app, Request.actual("https://evil.example"))

    assert stack.ask(app, Request.actual(APP)) == first


@parametrize_stacks
def test_threads_never_mix_origins(stack: Stack) -> None:
    app = stack.serve(CREDENTIALED)
    wanted = [f"https://site{number}.example.com" for number in range(100)] * 5

    with ThreadPoolExecutor(8) as pool:
        got = list(pool.map(lambda origin: stack.ask(app, Request.actual(origin)).cors["allow-origin"], wanted))

    assert got == wanted
