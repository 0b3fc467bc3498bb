"""S4 to S6: which origins match, as pages of these origins find out, and what it costs to ask."""

from conformance.messages import Request

from ..holds import about_the_same, blocked, readable
from ..policies import ANYBODY, APP, EVIL, LISTED, MANY, MORE, NULL, OTHER, PUBLIC, SUBDOMAINS
from ..situation import Compares, Fetches, Situation

SHOP = "https://shop.example.com"

# fmt: off
SITUATIONS: tuple[Situation, ...] = (
    Situation("S4", "listed", "A page of a listed origin reads the response.", Fetches(APP), readable),
    Situation("S4", "listed-second", "A page of the second listed origin reads the response.", Fetches(OTHER),
              readable),
    *(
        Situation("S4", f"listed-{name}", f"A page of {origin} does not read the response.", Fetches(origin), blocked,
                  LISTED)
        for name, origin in {
            "foreign": EVIL,
            "scheme": "http://app.example.com",
            "port": f"{APP}:8443",
            "longer": f"{APP}.evil.example",
            "dot": "https://appxexample.com",
        }.items()
    ),
    Situation("S4", "subdomain", "A page of a subdomain reads the response.", Fetches(SHOP), readable, SUBDOMAINS),
    *(
        Situation("S4", f"subdomain-{name}", f"A page of {origin} does not read the response.", Fetches(origin),
                  blocked, SUBDOMAINS)
        for name, origin in {
            "longer": f"{SHOP}.evil.example",
            "glued": "https://evilexample.com",
            "parent": "https://example.com",
            "scheme": "http://shop.example.com",
            "port": f"{SHOP}:8443",
        }.items()
    ),

    Situation("S5", "null-not-listed", "A sandboxed frame, whose origin is null, does not read the response.",
              Fetches("null"), blocked),
    Situation("S5", "null-subdomain", "null is no subdomain.", Fetches("null"), blocked, SUBDOMAINS),
    Situation("S5", "null-listed", "Where null is listed, a sandboxed frame reads the response.", Fetches("null"),
              readable, NULL),
    Situation("S5", "null-public", "Where any origin is allowed without credentials, a sandboxed frame is, too.",
              Fetches("null"), readable, PUBLIC),
    Situation("S5", "null-credentials", "null does not get credentials where any origin does.",
              Fetches("null", credentials="include"), blocked, ANYBODY,
              "Who allows credentials to any origin has allowed them to every website already."),

    Situation("S6", "many-origins",
              "The answer to an origin that is not listed costs the same where 1,000 origins are listed and where "
              "40,000 are.",
              Compares(lambda number: Request.actual(f"https://tenant3{number:03}x.example"), MORE),
              about_the_same, MANY),
)
# fmt: on
