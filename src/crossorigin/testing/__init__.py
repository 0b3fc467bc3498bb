"""A test client that treats an application as a browser does: what the page's script may see, and what it may not.

`BrowserClient` and `AsyncBrowserClient` play `crossorigin.browser`, the model of the browser, over an application or a
server. Nothing in here knows a policy: whatever enforces CORS is tested, this library's adapters, another library or
headers that are set by hand. Needs httpx, which ``crossorigin[testing]`` installs.
"""

try:
    import httpx as _httpx  # noqa: F401 - asked for here, where a missing one can be explained
except ModuleNotFoundError as _error:
    raise ImportError("crossorigin.testing needs httpx: pip install 'crossorigin[testing]'") from _error

from ..browser import Engine, RequestError, Verdict
from .client import AsyncBrowserClient, BrowserClient
from .options import FetchOptions
from .responses import CORSError, Headers, Response

__all__ = [
    "AsyncBrowserClient",
    "BrowserClient",
    "CORSError",
    "Engine",
    "FetchOptions",
    "Headers",
    "RequestError",
    "Response",
    "Verdict",
]
