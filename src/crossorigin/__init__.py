"""crossorigin: one CORS policy, checked when it is built, enforced the same way on every Python web stack.

A `Policy` says which pages may use an API. An adapter enforces it: `crossorigin.asgi.CORSMiddleware` around any ASGI
application, `crossorigin.wsgi.CORSMiddleware` around any WSGI application.
"""

from .compose import LEAVE, AnyOf, ByPath
from .decisions import Decision
from .findings import Finding, PolicyError
from .policy import Policy

__all__ = ["LEAVE", "AnyOf", "ByPath", "Decision", "Finding", "Policy", "PolicyError"]
