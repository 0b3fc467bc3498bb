"""How long real engines keep a preflight: as long as it says, and five seconds where it does not say."""

from concurrent.futures import ThreadPoolExecutor

from conformance.engines import Engine as RealEngine
from conformance.engines.network import PAGE, Network, Request, response
from crossorigin.browser import ENGINES, Browser, HTTPRequest, HTTPResponse, run
from crossorigin.browser import Request as PageRequest

# Asks twice, some milliseconds apart: a page can wait where a test must not.
ASK_TWICE = """
const [url, pause] = arguments;
await fetch(url, { method: "PUT" });
await new Promise((resolve) => setTimeout(resolve, pause));
await fetch(url, { method: "PUT" });
"""
# Access-Control-Max-Age, and a pause after which it is fresh or not.
LIFETIMES = [("1", 100), ("1", 1400), ("600", 1400), ("0", 0), ("-1", 0), (None, 1400), ("", 1400), ("1s", 0)]


def headers(max_age: str | None) -> list[tuple[str, str]]:
    allowed = [("Access-Control-Allow-Origin", "*"), ("Access-Control-Allow-Methods", "PUT")]
    return allowed if max_age is None else [*allowed, ("Access-Control-Max-Age", max_age)]


def in_the_model(engine: str, max_age: str | None, pause: int) -> int:
    """Return how many preflights the model of *engine* sends."""
    now = 0.0
    browser = Browser(ENGINES[engine], clock=lambda: now)
    sent: list[HTTPRequest] = []

    def send(request: HTTPRequest) -> HTTPResponse:
        sent.append(request)
        return HTTPResponse(200, tuple(headers(max_age)))

    for now in (0.0, pause / 1000):  # noqa: B007 - the clock reads it
        run(
            browser.fetch(PageRequest.of("https://api.example.com/", method="PUT"), origin="https://app.example.com"),
            send,
        )
    return sum(request.is_preflight for request in sent)


def test_b4_preflights_are_kept_as_long_as_the_model_says(all_engines: dict[str, RealEngine], network: Network) -> None:
    asked: list[str] = []

    def handler(request: Request) -> bytes:
        number = int(request.target.rpartition("/")[2])
        if request.method == "OPTIONS":
            asked.append(request.target)
        return response(200, headers(LIFETIMES[number][0]))

    def play(engine: RealEngine) -> None:
        engine.visit(network.origin("https", "app.example.com") + PAGE)
        for number, (_, pause) in enumerate(LIFETIMES):
            engine.run(ASK_TWICE, f"{network.origin('https', 'api.example.com')}/{engine.name}/{number}", pause)

    with ThreadPoolExecutor(len(ENGINES)) as executor, network.serving(handler):
        list(executor.map(play, all_engines.values()))

    counted = {
        (name, *lifetime): asked.count(f"/{name}/{number}")
        for name in all_engines
        for number, lifetime in enumerate(LIFETIMES)
    }
    assert counted == {
        (name, *lifetime): in_the_model(name, *lifetime) for name in all_engines for lifetime in LIFETIMES
    }
