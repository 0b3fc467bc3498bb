"""A model of the browser's side of CORS: what a page that calls ``fetch()`` gets from a server, and why.

It follows the Fetch standard (https://fetch.spec.whatwg.org) and knows nothing of policies: it judges any server's
answers, this library's or a stranger's. `Browser` holds the state, `Request` is what the page asks for, `Verdict` is
what comes out, and `run` plays it over whatever carries a request.
"""

from .algorithm import Browser, Fetching
from .driving import run, run_async
from .engines import ENGINES, Difference, Engine
from .messages import Exchange, HTTPRequest, HTTPResponse, NoResponse
from .request import Request, RequestError
from .url import URL, URLError
from .verdicts import BLOCKS, Block, Stage, Verdict, VisibleResponse

__all__ = [
    "BLOCKS",
    "ENGINES",
    "URL",
    "Block",
    "Browser",
    "Difference",
    "Engine",
    "Exchange",
    "Fetching",
    "HTTPRequest",
    "HTTPResponse",
    "NoResponse",
    "Request",
    "RequestError",
    "Stage",
    "URLError",
    "Verdict",
    "VisibleResponse",
    "run",
    "run_async",
]
