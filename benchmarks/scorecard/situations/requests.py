"""S1 to S3: which requests are preflights, who answers them, and what a malformed Origin does."""

from conformance.messages import Request

from ..holds import (
    all_of,
    answers,
    not_own_answer,
    not_sent_back,
    origin_not_granted,
    passes,
    readable,
    same_as_bare,
    survives,
)
from ..policies import ANYBODY, APP, LISTED, SUBDOMAINS
from ..situation import Asks, Fetches, Situation

NO_BROWSER = "No browser sends it, and each library reads it in its own way."
MALFORMED = (
    "", "http://[", "https://", f"{APP}/", f"{APP}:99999", "https://ex\xe4mple.com",
    "https://" + "a." * 2000 + "example.com",
)  # fmt: skip
UNREAD = "No browser sends it, but it is sent back unread."


def _actual(*origins: str) -> Asks:
    return Asks(tuple(Request.actual(origin) for origin in origins))


# fmt: off
SITUATIONS: tuple[Situation, ...] = (
    Situation("S1", "options-plain", "OPTIONS without Origin gets what the application answers.",
              Asks((Request("OPTIONS"),)), same_as_bare),
    Situation("S1", "options-with-origin",
              "OPTIONS with Origin alone gets what the application answers.",
              Asks((Request.preflight(APP, None),)), same_as_bare),
    Situation("S1", "options-with-method",
              "OPTIONS with Access-Control-Request-Method alone gets what the application answers.",
              Asks((Request.preflight(None, "PUT"),)), same_as_bare, LISTED, NO_BROWSER),

    Situation("S2", "preflight-missing-path",
              "A preflight for a path that does not exist passes, so that the page sees the 404.",
              Asks((Request.preflight(APP, "PUT", path="/missing"),)), passes),
    Situation("S2", "preflight-slash",
              "A preflight for a path without its final slash passes: a browser follows no redirect of a preflight.",
              Asks((Request.preflight(APP, "PUT", path="/dir"),)), passes),
    Situation("S2", "preflight-authentication",
              "A page's request with Authorization gets through authentication, which its preflight cannot satisfy.",
              Fetches(APP, "/private", "PUT", (("Authorization", "Bearer x"),)), readable),
    Situation("S2", "preflight-application", "The application is not called for a preflight.",
              Asks((Request.preflight(APP, "PUT"),)), not_own_answer,
              taste="An application that answers OPTIONS itself can be left to do so."),

    Situation("S3", "malformed-listed",
              "A malformed Origin is not allowed where origins are listed, and nothing fails.",
              _actual(*MALFORMED),
              all_of(answers(200), origin_not_granted), LISTED,
              "No browser sends it, but it is sent back unread."),
    Situation("S3", "malformed-harmless", "A malformed Origin makes no request fail.",
              _actual(*MALFORMED), survives),
    Situation("S3", "malformed-any", "A malformed Origin is not sent back where any origin is allowed.",
              Asks(tuple(Request.actual(origin, Cookie="session=1") for origin in (
                  f"{APP}/path?query", "https://a.example, https://b.example", "https://user@app.example.com",
                  "<script>alert(1)</script>"))),
              all_of(answers(200), not_sent_back), ANYBODY, UNREAD),
    Situation("S3", "malformed-subdomain",
              "A malformed Origin that ends like an allowed subdomain is not allowed.",
              _actual("https://evil.example/.example.com", "https://evil.example#.example.com",
                      r"https://evil.example\.example.com"),
              all_of(answers(200), origin_not_granted), SUBDOMAINS, UNREAD),
    Situation("S3", "two-origins", "Two Origin lines are no origin.",
              Asks((Request("GET", "/items", (("Origin", APP), ("Origin", APP))),)), origin_not_granted, LISTED,
              NO_BROWSER),
)
# fmt: on
