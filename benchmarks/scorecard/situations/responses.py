"""S7 to S12: what an allowed response carries, what another one must not, and on which responses all of it holds."""

from conformance.messages import Request

from ..holds import (
    all_of,
    blocked,
    cacheable,
    lacks,
    no_star_with_credentials,
    one_value,
    origin_not_granted,
    raised_as_bare,
    readable,
    sees,
    true_or_absent,
    varies,
    vary_keeps,
    vary_names_origin,
)
from ..policies import (
    ANYBODY,
    APP,
    BY_PATH,
    CREDENTIALED,
    EVIL,
    EXPOSED,
    EXPOSING,
    EXPOSING_CREDENTIALED,
    LISTED,
    NESTED,
    ONE,
    OTHER,
    PUBLIC,
)
from ..situation import Asks, Fetches, Situation

REFUSED_ANYWAY = (
    "Without Access-Control-Allow-Origin no browser reads the response, whatever else there is. The rest tells "
    "strangers what the policy allows."
)

MAY_MEAN_IT = "An application that sets CORS headers by itself may mean it."
EITHER_REFUSES = "Browsers read * beside credentials as a refusal of credentials, which the inner policy is, too."


def _get(*origins: str | None, path: str = "/items") -> Asks:
    return Asks(tuple(Request.actual(origin, path) for origin in origins))


def _read(rule: str, name: str, what: str, path: str, method: str = "GET") -> Situation:
    return Situation(rule, name, f"A page of an allowed origin reads {what}.", Fetches(APP, path, method), readable)


# fmt: off
SITUATIONS: tuple[Situation, ...] = (
    Situation("S7", "credentials-get", "A page of a listed origin reads a response with its cookies.",
              Fetches(APP, credentials="include"), readable, CREDENTIALED),
    Situation("S7", "credentials-any-get",
              "Where any origin is allowed with credentials, a page reads with its cookies.",
              Fetches(EVIL, credentials="include"), readable, ANYBODY),
    Situation("S7", "credentials-any-first",
              "Where any origin is allowed with credentials, a page reads that has no cookie yet, and may get one.",
              Fetches(EVIL, credentials="include", cookie=False), readable, ANYBODY),
    Situation("S7", "credentials-any-put",
              "Where any origin is allowed with credentials, a page can PUT with its cookies.",
              Fetches(EVIL, method="PUT", credentials="include"), readable, ANYBODY),
    Situation("S7", "star-with-credentials", "* never stands beside credentials.",
              Asks((Request.actual(EVIL), Request.preflight(EVIL, "PUT"))), no_star_with_credentials, ANYBODY,
              "Browsers read it as a refusal of credentials."),
    Situation("S7", "one-value", "Access-Control-Allow-Origin has one line and one value, with Origin and without.",
              _get(APP, OTHER, EVIL, None), one_value),

    Situation("S8", "credentials-undeclared", "Where credentials are not allowed, a page cannot read with its cookies.",
              Fetches(APP, credentials="include"), blocked),
    Situation("S8", "exposed", "A page sees the response header that is exposed.", Fetches(APP, "/counted"),
              sees("X-Total-Count"), EXPOSED),
    Situation("S8", "exposed-any", "Where all response headers are exposed, a page sees them.", Fetches(APP,
              "/counted"),
              sees("X-Total-Count"), EXPOSING),
    Situation("S8", "exposed-any-credentials",
              "Where all response headers are exposed, a page that sends cookies sees them, too.",
              Fetches(APP, "/counted", credentials="include"), sees("X-Total-Count"), EXPOSING_CREDENTIALED),
    Situation("S8", "credentials-false", "Access-Control-Allow-Credentials is true or absent.",
              Asks((Request.actual(APP), Request.preflight(APP, "PUT"))), true_or_absent, LISTED,
              "Browsers read any other value as if it were absent."),

    Situation("S9", "denied-origin", "The origin that is not allowed is not in Access-Control-Allow-Origin.",
              _get(EVIL),
              origin_not_granted, CREDENTIALED),
    Situation("S9", "denied-else", "The answer to another origin has no CORS header at all.", _get(EVIL), lacks(),
              CREDENTIALED,
              REFUSED_ANYWAY),
    Situation("S9", "denied-own", "The answer to another origin has no CORS header that the application itself set.",
              _get(EVIL, path="/own-cors"), lacks(),
              LISTED, MAY_MEAN_IT),

    Situation("S10", "vary-allowed", "The response to an allowed origin names Origin in Vary.", _get(APP), varies),
    Situation("S10", "vary-denied", "The response to another origin names Origin in Vary.", _get(EVIL), varies),
    Situation("S10", "vary-absent", "The response to a request without Origin names Origin in Vary.", _get(None),
              varies),
    Situation("S10", "vary-one", "With one origin, an answer without Vary: Origin is good for the page of that origin.",
              _get(APP, EVIL, None), cacheable, ONE),
    Situation("S10", "vary-any-credentials",
              "With any origin and credentials, an answer without Vary: Origin is good for every page.",
              _get(APP, EVIL, None), cacheable, ANYBODY),
    Situation("S10", "vary-public", "With any origin, an answer without Vary: Origin is good for every page.",
              _get(APP, EVIL, None), cacheable, PUBLIC),
    Situation("S10", "vary-merged", "The names that the application has in Vary stay.", _get(APP, path="/varies"),
              vary_keeps("accept-encoding", "accept")),
    Situation("S10", "vary-star", "Vary: * of the application stays.", _get(APP, path="/varies-on-all"),
              vary_keeps("*")),
    Situation("S10", "vary-once", "Origin is once in Vary, where the application has it there, too.",
              _get(APP, path="/varies"), vary_names_origin(1), LISTED, "Caches read it the same."),
    Situation("S10", "vary-public-none", "A constant * has no Vary.", _get(APP, None), vary_names_origin(0), PUBLIC,
              "A cache keeps more copies than it needs."),

    Situation("S11", "own-doubled", "Where the application sets CORS headers, too, there is still one line of each.",
              _get(APP, path="/own-cors"), one_value),
    Situation("S11", "own-mixed",
              "Credentials that the application grants to another origin are not granted to the one that the policy "
              "allows.", Fetches(APP, "/own-cors", credentials="include"), blocked, LISTED, MAY_MEAN_IT),
    Situation("S11", "own-replaced", "The policy's headers replace those of the application.", Fetches(APP,
              "/own-cors"),
              readable, LISTED, MAY_MEAN_IT),
    Situation("S11", "inner-preflight", "Below a path with a policy of its own, that policy answers preflights.",
              Fetches(EVIL, "/public/feed", "PUT"), readable, BY_PATH),
    Situation("S11", "inner-alone", "Below a path with a policy of its own, the other one adds nothing.",
              _get(EVIL, path="/public/feed"), all_of(one_value, no_star_with_credentials), BY_PATH, EITHER_REFUSES),
    Situation("S11", "nested-preflight", "Where one policy is inside another, the inner one answers preflights.",
              Fetches(EVIL, "/public/feed", "PUT"), readable, NESTED,
              "What is outermost can as well answer for all that is inside."),
    Situation("S11", "nested-alone", "Where one policy is inside another, the outer one adds nothing.",
              _get(EVIL, path="/public/feed"), all_of(one_value, no_star_with_credentials), NESTED, EITHER_REFUSES),

    _read("S12", "status-404", "a 404 of the router", "/missing"),
    _read("S12", "status-405", "a 405 of the router", "/post-only"),
    _read("S12", "status-401", "a 401 of authentication", "/private"),
    _read("S12", "status-403", "a 403 of the application", "/forbidden"),
    _read("S12", "status-304", "a 304", "/unchanged"),
    _read("S12", "redirect", "what a redirect leads to", "/moved"),
    _read("S12", "stream", "a stream", "/stream"),
    _read("S12", "head", "the answer to HEAD", "/items", "HEAD"),
    _read("S12", "exception", "the 500 of an exception that nobody handles", "/fails"),
    Situation("S12", "exception-raised", "An exception that nobody handles still reaches what reports errors.",
              _get(APP, path="/fails"), raised_as_bare),
)
# fmt: on
