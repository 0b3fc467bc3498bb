"""S13 to S16: what a preflight is answered."""

from conformance.messages import Request

from ..holds import (
    all_of,
    answers,
    blocked,
    empty,
    grants,
    has,
    lacks,
    not_in,
    origin_not_granted,
    passes,
    readable,
    refused,
    varies,
)
from ..policies import APP, CREDENTIALED, EVIL, LISTED, ONLY_PUT, REMEMBERED, STARS, STARS_CREDENTIALED
from ..situation import Asks, Fetches, Situation
from .requests import UNREAD
from .responses import REFUSED_ANYWAY

METHODS, HEADERS = "Access-Control-Allow-Methods", "Access-Control-Allow-Headers"
ID = (("X-Request-Id", "1"),)
PLENTY = tuple((f"X-Header-{number}", "1") for number in range(200))
JSON = (("Content-Type", "application/json"),)


def _preflight(origin: str, method: str, *names: str) -> Asks:
    return Asks((Request.preflight(origin, method, *names),))


# fmt: off
SITUATIONS: tuple[Situation, ...] = (
    Situation("S13", "put", "A page sends PUT with a header, both of which are allowed.",
              Fetches(APP, method="PUT", headers=ID), readable),
    Situation("S13", "json", "A page sends POST with JSON, whose Content-Type is allowed.",
              Fetches(APP, method="POST", headers=JSON, body="{}"), readable),
    Situation("S13", "put-credentials", "A page sends PUT with its cookies, where credentials are allowed.",
              Fetches(APP, method="PUT", credentials="include"), readable, CREDENTIALED),
    Situation("S13", "method-undeclared", "A page cannot send DELETE, which is not allowed.",
              Fetches(APP, method="DELETE"), blocked),
    Situation("S13", "header-undeclared", "A page cannot send X-Debug, which is not allowed.",
              Fetches(APP, headers=(("X-Debug", "1"),)), blocked),
    Situation("S13", "max-age", "Access-Control-Max-Age is what was declared.", _preflight(APP, "PUT"),
              all_of(passes, has("Access-Control-Max-Age", "600")), REMEMBERED),
    Situation("S13", "preflight-empty", "The answer to a preflight has no body.", _preflight(APP, "PUT"),
              all_of(passes, empty), LISTED, "Browsers read no body of it."),
    Situation("S13", "lists-all", "A preflight allows everything that is declared, not only what it asks for.",
              _preflight(APP, "PUT", "x-request-id"),
              all_of(grants(METHODS, "POST", "PUT"), grants(HEADERS, "Authorization", "X-Request-Id")), LISTED,
              "It saves the preflights of later requests."),
    Situation("S13", "safelisted-post", "POST passes without being listed: by the standard, browsers never ask for it.",
              Fetches(APP, method="POST", headers=ID), readable, ONLY_PUT,
              "A list without POST may mean that POST is to be refused."),

    Situation("S14", "star-method", "Where any method is allowed, a page sends DELETE.", Fetches(EVIL, method="DELETE"),
              readable, STARS),
    Situation("S14", "star-header", "Where any header is allowed, a page sends one.",
              Fetches(EVIL, headers=(("X-Anything", "1"),)), readable, STARS),
    Situation("S14", "star-authorization",
              "Where any header and Authorization are allowed, a page sends Authorization.",
              Fetches(EVIL, headers=(("Authorization", "Bearer x"),)), readable, STARS),
    Situation("S14", "star-method-credentials", "Where any method is allowed, a page sends DELETE with its cookies.",
              Fetches(APP, method="DELETE", credentials="include"), readable, STARS_CREDENTIALED),
    Situation("S14", "star-header-credentials", "Where any header is allowed, a page sends one with its cookies.",
              Fetches(APP, headers=(("X-Anything", "1"),), credentials="include"), readable, STARS_CREDENTIALED),
    Situation("S14", "split", "Header names that a proxy has split over two lines are all allowed.",
              _preflight(APP, "PUT", "authorization", "x-request-id"), grants(HEADERS, "Authorization",
              "X-Request-Id")),
    Situation("S14", "split-star", "Where any header is allowed, names that a proxy has split over two lines are, too.",
              _preflight(EVIL, "PUT", "x-a", "x-b"), grants(HEADERS, "X-A", "X-B"), STARS),
    Situation("S14", "empty-element", "An empty element in the list of names is passed over, as RFC 9110 says (5.6.1).",
              _preflight(APP, "PUT", "authorization,,x-request-id"), passes, LISTED,
              "No browser sends it, and no proxy is known to."),
    Situation("S14", "many-headers",
              f"Where any header is allowed, a page sends {len(PLENTY)} of them with its cookies.",
              Fetches(APP, headers=PLENTY, credentials="include"), readable, STARS_CREDENTIALED,
              "A bound is a choice. crossorigin sends back the names of 128 headers, and grants none where there are "
              "more."),
    Situation("S14", "markup", "What is no header name is not sent back.", _preflight(EVIL, "PUT", "x-a, <script>"),
              not_in(HEADERS, "<script>"), STARS, "It goes to nobody but who sent it, and no browser sends it."),

    Situation("S15", "denied-put", "A page of another origin cannot send PUT.", Fetches(EVIL, method="PUT"), blocked),
    Situation("S15", "denied-preflight", "The preflight of another origin does not allow it.", _preflight(EVIL, "PUT"),
              origin_not_granted),
    Situation("S15", "denied-preflight-status", "The preflight of another origin gets 403.", _preflight(EVIL, "PUT"),
              answers(403), LISTED, "A browser reads every refusal the same: 400, 401, 403, or a success without CORS "
              "headers."),
    Situation("S15", "denied-preflight-else", "The preflight of another origin gets no CORS header at all.",
              _preflight(EVIL, "PUT"), lacks(), CREDENTIALED, REFUSED_ANYWAY),

    Situation("S15", "denied-preflight-vary", "The refusal of a preflight names Origin in Vary.",
              _preflight(EVIL, "PUT"), varies, LISTED, "Hardly a cache keeps answers to OPTIONS."),

    Situation("S16", "method-list", "A list of methods is not sent back as if it were one.",
              _preflight(EVIL, "GET, DELETE"), lambda seen: [
                  f"{METHODS}: {value}" for each in seen.exchanges
                  if (value := each.answer.get(METHODS)) == "GET, DELETE"
              ], STARS, UNREAD),
    Situation("S16", "method-markup", "What is no method is not sent back.", _preflight(EVIL, "<PUT>"),
              not_in(METHODS, "<PUT>"), STARS, UNREAD),
    Situation("S16", "method-list-refused", "A list of methods is refused.", _preflight(APP, "GET, PUT"), refused,
              LISTED,
              "No browser sends it, and an answer that lists what is allowed allows nothing more."),
)
# fmt: on
