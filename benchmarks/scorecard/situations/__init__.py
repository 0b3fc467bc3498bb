"""The list of situations: each shows one of the rules of ``docs/rules.md`` by what is sent and what must come of it.

Adding one is adding a line to the module that its rules belong to. Where the rule as crossorigin keeps it goes beyond
what a page, a cache, another program or the reader of a log could notice, or where one could as well choose otherwise,
the situation says why it is a matter of taste. S16, which is about what no browser sends, has no others.
"""

from ..situation import Situation
from . import guards, origins, preflights, requests, responses

RULES: dict[str, str] = {
    "S1": "Only a preflight is taken for one",
    "S2": "A preflight is answered before routing and authentication",
    "S3": "A malformed Origin is not allowed, and harms nothing",
    "S4": "Origins and patterns match what they say, and no more",
    "S5": "null matches only where it is declared",
    "S6": "Time does not grow with the number of origins",
    "S7": "Allow-Origin is one origin, or * without credentials",
    "S8": "Credentials and exposed headers are as declared",
    "S9": "An origin that is not allowed gets nothing",
    "S10": "Vary lets caches keep origins apart",
    "S11": "One writer: no doubled or mixed CORS headers",
    "S12": "Every response has them: errors, redirects, streams",
    "S13": "A preflight allows what is declared",
    "S14": "* for methods and headers works, with credentials too",
    "S15": "A preflight from another origin is refused",
    "S16": "Access-Control-Request-Method is one method",
    "S17": "WebSockets of other origins are refused",
    "S18": "Requests of other origins can be kept out",
    "S19": "Policies by path follow the router",
    "S20": "A refusal is logged, harmlessly",
}

SITUATIONS: tuple[Situation, ...] = (
    *requests.SITUATIONS,
    *origins.SITUATIONS,
    *responses.SITUATIONS,
    *preflights.SITUATIONS,
    *guards.SITUATIONS,
)
