"""The policies that the situations run under, as plain data that belongs to no library.

A driver translates each as its library's documentation tells, or says that the library does not offer it. Knows no
library, and not `crossorigin.Policy` either.
"""

from dataclasses import dataclass

APP = "https://app.example.com"
OTHER = "https://other.example.net"
EVIL = "https://evil.example"
OWN = "http://api.example.com"  # where the API itself is
ANY = "*"
PUBLIC_PATH = "/public"
METHODS = ("GET", "HEAD", "POST", "PUT")
HEADERS = ("Authorization", "Content-Type", "X-Request-Id")


@dataclass(frozen=True)
class Neutral:
    """What a server wants to allow.

    Attributes:
        says: The whole of it, in words.
        origins: Exact origins.
        subdomains_of: All names below this host are allowed, over https.
        any_origin: Whether any origin is allowed.
        credentials: Whether pages may send cookies.
        methods: Methods by name, or `ANY`.
        headers: Request headers by name, or `ANY`; with `ANY`, ``Authorization`` is meant, too.
        exposed: Response headers by name, or `ANY`.
        max_age: For how many seconds a preflight may be remembered.
        public: Whether everything below `PUBLIC_PATH` has the policy `PUBLIC` instead.
        nested: Whether that policy is declared inside the application, and the other one around all of it.
        enforce: Whether requests of other origins are kept from the application.
    """

    says: str
    origins: tuple[str, ...] = ()
    subdomains_of: str | None = None
    any_origin: bool = False
    credentials: bool = False
    methods: tuple[str, ...] | str = METHODS
    headers: tuple[str, ...] | str = HEADERS
    exposed: tuple[str, ...] | str = ()
    max_age: int | None = None
    public: bool = False
    nested: bool = False
    enforce: bool = False


def many(count: int) -> Neutral:
    """Return the policy that lists *count* origins."""
    return Neutral(f"{count:,} origins are listed", tuple(f"https://tenant{number}.example" for number in range(count)))


# fmt: off
LISTED = Neutral("two origins are listed", (APP, OTHER))
ONE = Neutral("one origin is listed", (APP,))
CREDENTIALED = Neutral("two origins are listed, with credentials", (APP, OTHER), credentials=True)
SUBDOMAINS = Neutral("every subdomain of example.com, over https", subdomains_of="example.com")
NULL = Neutral("the origin null is listed", ("null",))
PUBLIC = Neutral("any origin, without credentials", any_origin=True)
ANYBODY = Neutral("any origin, with credentials", any_origin=True, credentials=True)
STARS = Neutral("any origin, method and header, without credentials", any_origin=True, methods=ANY, headers=ANY)
STARS_CREDENTIALED = Neutral("one origin, any method and header, with credentials", (APP,), credentials=True,
                             methods=ANY, headers=ANY)
ONLY_PUT = Neutral("one origin, and of the methods only PUT is listed", (APP,), methods=("PUT",))
EXPOSED = Neutral("two origins are listed, and X-Total-Count is exposed", (APP, OTHER), exposed=("X-Total-Count",))
EXPOSING = Neutral("any origin, and all response headers are exposed", any_origin=True, exposed=ANY)
EXPOSING_CREDENTIALED = Neutral("one origin with credentials, and all response headers are exposed", (APP,),
                                credentials=True, exposed=ANY)
REMEMBERED = Neutral("two origins are listed, and a preflight holds for 600 seconds", (APP, OTHER), max_age=600)
BY_PATH = Neutral(f"any origin below {PUBLIC_PATH}; elsewhere two origins, with credentials", (APP, OTHER),
                  credentials=True, public=True)
ENFORCED = Neutral("two origins are listed, and requests of others are kept from the application", (APP, OTHER),
                   enforce=True)
NESTED = Neutral(f"any origin, by a policy that the application has inside, below {PUBLIC_PATH}; around it two "
                 "origins, with credentials", (APP, OTHER), credentials=True, public=True, nested=True)
MANY, MORE = many(1_000), many(40_000)
# fmt: on
