"""A request and a response as plain values, in the form in which every stack can be asked."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Request:
    """One HTTP request. Header lines are kept as they are: repeated, split, in any case."""

    method: str = "GET"
    path: str = "/items"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""

    @classmethod
    def actual(cls, origin: str | None, path: str = "/items", method: str = "GET", **headers: str) -> "Request":
        """Return what a page of *origin* sends; further headers by their names with underscores."""
        return cls(method, path, (*_origin(origin), *_lines(headers)))

    @classmethod
    def preflight(
        cls, origin: str | None, method: str | None = "PUT", *names: str, path: str = "/items", **headers: str
    ) -> "Request":
        """Return the preflight for *method*, with one `Access-Control-Request-Headers` line for each of *names*."""
        asked = () if method is None else (("Access-Control-Request-Method", method),)
        lines = tuple(("Access-Control-Request-Headers", name) for name in names)
        return cls("OPTIONS", path, (*_origin(origin), *asked, *lines, *_lines(headers)))


@dataclass(frozen=True)
class Response:
    """One HTTP response, with the exception that the stack raised behind it, if it did."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    error: Exception | None = field(default=None, compare=False)

    def values(self, name: str) -> list[str]:
        """Return every line of the header *name*."""
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def get(self, name: str) -> str | None:
        """Return the lines of the header *name* joined as a browser joins them, or ``None``."""
        values = self.values(name)
        return ", ".join(values) if values else None

    @property
    def cors(self) -> dict[str, str]:
        """The CORS headers, by name without ``Access-Control-``; a repeated one shows as repeated."""
        lines: dict[str, str] = {}
        for name, value in self.headers:
            lower = name.lower()
            if lower.startswith("access-control-"):
                short = lower.removeprefix("access-control-")
                lines[short] = f"{lines[short]} AND {value}" if short in lines else value
        return lines

    @property
    def vary(self) -> list[str]:
        """The names in ``Vary``, in lower case and in order; a repeated one shows twice."""
        return [name.strip().lower() for line in self.values("vary") for name in line.split(",")]


def _origin(origin: str | None) -> tuple[tuple[str, str], ...]:
    return () if origin is None else (("Origin", origin),)


def _lines(headers: dict[str, str]) -> tuple[tuple[str, str], ...]:
    return tuple((name.replace("_", "-"), value) for name, value in headers.items())
