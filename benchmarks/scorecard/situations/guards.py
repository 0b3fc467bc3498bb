"""S17 to S20: what CORS itself does not cover, policies by path, and the log."""

from conformance.messages import Request

from ..holds import (
    all_of,
    answers,
    blocked,
    log_harmless,
    logged,
    logged_times,
    not_logged,
    origin_not_granted,
    readable,
)
from ..policies import APP, BY_PATH, ENFORCED, EVIL, LISTED, OWN
from ..situation import Asks, Fetches, Logs, Opens, Situation


def _post(*origins: str | None, path: str = "/items") -> tuple[Request, ...]:
    return tuple(Request.actual(origin, path, "POST") for origin in origins)


# fmt: off
SITUATIONS: tuple[Situation, ...] = (
    Situation("S17", "websocket-foreign", "A page of another origin cannot open a WebSocket.", Opens(EVIL),
              lambda seen: ["the WebSocket opens"] if seen.exchanges[0].answer.status == 101 else []),
    Situation("S17", "websocket-allowed", "A page of a listed origin can open a WebSocket.", Opens(APP), answers(101)),
    Situation("S17", "websocket-own", "A page of the API's own origin can open a WebSocket.", Opens(OWN), answers(101),
              LISTED,
              "The own origin can be listed."),
    Situation("S17", "websocket-no-origin", "A client without Origin can open a WebSocket: it is no browser.",
              Opens(None), answers(101),
              LISTED, "To refuse it costs other clients access, and protects no page."),

    Situation("S18", "enforce-foreign", "A POST of another origin does not reach the application.",
              Asks(_post(EVIL, path="/fails")), answers(403), ENFORCED),
    Situation("S18", "enforce-allowed", "A POST of a listed origin reaches the application.", Asks(_post(APP)),
              answers(200), ENFORCED),
    Situation("S18", "enforce-own", "A POST of the API's own pages reaches the application, and one without Origin.",
              Asks(_post(OWN, None)), answers(200), ENFORCED),
    Situation("S18", "enforce-same-origin",
              "A POST that the browser calls same-origin reaches the application, whatever proxies made of it.",
              Asks((Request.actual("https://front.example", method="POST", Sec_Fetch_Site="same-origin"),)),
              answers(200), ENFORCED),

    Situation("S19", "path-public", "A page of any origin reads what is below the public path.",
              Fetches(EVIL, "/public/feed"), readable, BY_PATH),
    Situation("S19", "path-private", "A page of another origin does not read the rest.", Fetches(EVIL, "/items"),
              blocked, BY_PATH),
    Situation("S19", "path-listed", "A page of a listed origin reads the rest with its cookies.",
              Fetches(APP, "/items", credentials="include"), readable, BY_PATH),
    Situation("S19", "path-segment", "/publicity is not below /public.", Fetches(EVIL, "/publicity"), blocked, BY_PATH),
    Situation("S19", "path-ambiguous", "A path that two readers could read differently gets no CORS headers.",
              Asks((Request.actual(EVIL, "/public/../items"), Request.actual(EVIL, "//public/feed"))),
              origin_not_granted, BY_PATH, "The router, whom the rules follow, has read it in one way."),

    Situation("S20", "log-refusal", "A refusal is logged with the origin.", Logs((Request.actual(EVIL),)),
              logged(EVIL)),
    Situation("S20", "log-harmless", "What a client sends puts no control character into the log.",
              Logs((Request.actual("https://evil\x1b[31m.example"),)), all_of(logged("evil"), log_harmless)),
    Situation("S20", "log-once", "The same refusal is logged once a minute.",
              Logs((Request.actual(EVIL),) * 3), logged_times(1, EVIL), LISTED,
              "How much to log is a matter of taste."),
    Situation("S20", "log-own", "A POST of a page of the API's own origin is no refusal.", Logs(_post(OWN)), not_logged,
              LISTED, "A log for debugging may say what it likes."),
)
# fmt: on
