"""Deliberate mistakes in the model of the browser, each of which the tests must notice: ``python -m tests.mutants``.

Each mistake is made in a copy of ``src``, and the tests in ``tests/browser`` run against that copy until one fails; the
closed loop, which is slow, comes last. What is printed is which test caught which mistake. A mistake that no test
notices is a hole in the tests, and makes the command fail. Arguments are passed on to pytest.
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = Path("src", "crossorigin")
# In the order in which they are tried: the most telling first, the slow one last.
TESTS = (
    ("test_verdicts.py", "test_preflight.py", "test_responses.py", "test_redirects.py", "test_preflight_cache.py",
     "test_attached.py", "test_requests.py", "test_engines.py"),
    ("test_safelists.py", "test_fetch_cases.py"),
    ("test_closed_loop.py",),
)  # fmt: skip
# These measure time, which means little while several runs share the machine.
TIMED = (
    "test_verdicts.py::test_the_time_that_a_huge_answer_takes_is_in_proportion_to_its_size",
    "test_safelists.py::test_the_time_for_a_hostile_value_is_in_proportion_to_its_length",
)
TIMEOUT = 100  # seconds, for a mistake that makes the tests run forever


class Mutant(NamedTuple):
    """One mistake: in words, and the text that it puts in the place of another in a file of the package."""

    name: str
    file: str
    old: str
    new: str

    def mutated(self, text: str) -> str:
        """Return *text* with the mistake in it; raise `ValueError` if it has no place or several places for it."""
        count = text.count(self.old)
        if count != 1:
            raise ValueError(f"{self.name}: {self.file} has {count} times {self.old!r}; write what is there once")
        return text.replace(self.old, self.new)


ALGORITHM, CACHE, CHECKS, COOKIES = (f"browser/{name}.py" for name in ("algorithm", "cache", "checks", "cookies"))
ATTACHED, ENGINES, MESSAGES, REQUEST = (f"browser/{name}.py" for name in ("attached", "engines", "messages", "request"))
FILTERED, SITES, VERDICTS = "browser/filtered.py", "browser/sites.py", "browser/verdicts.py"
FETCH = "fetch.py"

# fmt: off
MUTANTS = [
    # The CORS check.
    Mutant("accept * with credentials", CHECKS,
           "if not include and allowed == fetch.WILDCARD:", "if allowed == fetch.WILDCARD:"),
    Mutant("accept two Allow-Origin lines", CHECKS,
           "allowed = response.get(fetch.ALLOW_ORIGIN)",
           "allowed = next(iter(response.values(fetch.ALLOW_ORIGIN)), None)"),
    Mutant("compare origins without case", CHECKS,
           "if allowed != origin:", "if allowed.lower() != origin.lower():"),
    Mutant("trim quotes around a value", MESSAGES,
           '_BLANKS = " \\t\\r\\n"', "_BLANKS = \" \\t\\r\\n\\\"'\""),
    Mutant("trim all that Python takes for white space", MESSAGES,
           "[value.strip(_BLANKS) for", "[value.strip() for"),
    Mutant("accept True for true", CHECKS,
           'if credentials != "true":', 'if credentials.lower() != "true":'),
    Mutant("credentials need no Allow-Credentials", CHECKS,
           "if credentials is None:\n            raise",
           "if credentials is None:\n            return\n            raise"),
    Mutant("ask for Allow-Credentials without credentials", CHECKS,
           "    if include:\n        credentials", "    if True:\n        credentials"),
    # What a preflight allows.
    Mutant("ignore the ok status", CHECKS,
           "if not 200 <= response.status <= 299:", "if False:"),
    Mutant("take only 200 and 204 for ok", CHECKS,
           "if not 200 <= response.status <= 299:", "if response.status not in (200, 204):"),
    Mutant("skip what is malformed in the list of methods", CHECKS,
           "if methods is None:\n        raise",
           "if methods is None:\n        methods = ['PUT', 'x']\n    if False:\n        raise"),
    Mutant("skip what is malformed in the list of headers", CHECKS,
           "if headers is None:\n        raise",
           "if headers is None:\n        headers = ['x-a']\n    if False:\n        raise"),
    Mutant("only the first line of a list counts", CHECKS,
           "method_lines = response.values(fetch.ALLOW_METHODS)",
           "method_lines = response.values(fetch.ALLOW_METHODS)[:1]"),
    Mutant("compare methods without case", CHECKS,
           "if method in methods or method in", "if method.upper() in map(str.upper, methods) or method in"),
    Mutant("want safelisted methods listed", CHECKS,
           "if method in methods or method in fetch.SAFELISTED_METHODS or", "if method in methods or"),
    Mutant("accept * for a method with credentials", CHECKS,
           "(not include and fetch.WILDCARD in methods)", "(fetch.WILDCARD in methods)"),
    Mutant("accept * for a header with credentials", CHECKS,
           "any_name = fetch.WILDCARD in names and not include", "any_name = fetch.WILDCARD in names"),
    Mutant("let * cover Authorization", ENGINES,
           "return fetch.lower_name(name) not in fetch.NON_WILDCARD_REQUEST_HEADERS", "return True"),
    Mutant("compare header names with case", CHECKS,
           "names = {fetch.lower_name(name) for name in allowed.headers}", "names = set(allowed.headers)"),
    Mutant("the default Max-Age is missing", CHECKS,
           "DEFAULT_MAX_AGE = 5", "DEFAULT_MAX_AGE = 0"),
    Mutant("a negative Max-Age is malformed", CHECKS,
           '_DELTA_SECONDS = re.compile(r"-?[0-9]+")', '_DELTA_SECONDS = re.compile(r"[0-9]+")'),
    Mutant("Max-Age may have digits of any script", CHECKS,
           're.compile(r"-?[0-9]+")', 're.compile(r"-?\\w+")'),
    Mutant("engines keep preflights without a limit", CHECKS,
           "seconds if engine.max_age_limit is None else min(seconds, engine.max_age_limit)", "seconds"),
    # What a preflight asks.
    Mutant("do not lower-case the asked-for headers", FETCH,
           "unsafe.add(name.translate(_LOWER))", "unsafe.add(name)"),
    Mutant("do not sort the asked-for headers", FETCH,
           "return sorted(unsafe | safe",
           "return sorted(unsafe | safe, reverse=True) if unsafe else sorted(unsafe | safe"),
    Mutant("join the asked-for headers with a blank", ALGORITHM,
           '",".join(names)', '", ".join(names)'),
    Mutant("ask for safelisted headers too", FETCH,
           "sorted(unsafe | safe if size > SAFELISTED_VALUES_SIZE else unsafe)", "sorted(unsafe | safe)"),
    Mutant("normalize PATCH", FETCH,
           '"OPTIONS", "POST", "PUT"})', '"OPTIONS", "PATCH", "POST", "PUT"})'),
    Mutant("preflights follow redirects", ALGORITHM,
           "        engine = self.browser.engine\n        allowed = read",
           "        if response.status in REDIRECT_STATUSES:\n            return\n"
           "        engine = self.browser.engine\n        allowed = read"),
    Mutant("preflights carry cookies", ALGORITHM,
           "headers = self._attach(asked, origin)",
           'cookies = self.browser.cookies.header(self.origin, self.url) or ""\n'
           '        headers = (*self._attach(asked, origin), ("Cookie", cookies))'),
    Mutant("preflights carry the page's headers", ALGORITHM,
           'asked = [("Accept", "*/*"), ', 'asked = [("Accept", "*/*"), *self.headers, '),
    Mutant("a preflight need not pass the CORS check", ALGORITHM,
           "        check_cors(origin, self.include, response)\n", ""),
    Mutant("a watched upload needs no preflight", REQUEST,
           "return self.streaming or self.upload_listener", "return False"),
    # Safe headers.
    Mutant("a safe value may have 129 bytes", FETCH,
           "SAFELISTED_VALUE_SIZE = 128", "SAFELISTED_VALUE_SIZE = 129"),
    Mutant("a safe value may have 127 bytes only", FETCH,
           "SAFELISTED_VALUE_SIZE = 128", "SAFELISTED_VALUE_SIZE = 127"),
    Mutant("ignore the limit of 1024 bytes", FETCH,
           "if size > SAFELISTED_VALUES_SIZE else", "if size > 10**9 else"),
    Mutant("the limit of 1024 bytes is exclusive", FETCH,
           "if size > SAFELISTED_VALUES_SIZE else", "if size >= SAFELISTED_VALUES_SIZE else"),
    Mutant("take a content type by how it begins", FETCH,
           "media_type(value) in SAFELISTED_CONTENT_TYPES",
           "(media_type(value) or '').startswith(tuple(SAFELISTED_CONTENT_TYPES))"),
    Mutant("a Content-Type may hold any byte", FETCH,
           "return _CORS_UNSAFE.search(value) is None and media_type", "return media_type"),
    Mutant("a Range may be a suffix", FETCH,
           'return span is not None and', 'return value.startswith("bytes=-") or span is not None and'),
    Mutant("a Range may end before it starts", FETCH,
           "(not span[2] or int(span[1]) <= int(span[2]))", "True"),
    Mutant("a language may have an underscore", FETCH,
           r'_LANGUAGES = re.compile(r"[0-9A-Za-z *,\-.;=]*")', r'_LANGUAGES = re.compile(r"[0-9A-Za-z_ *,\-.;=]*")'),
    Mutant("keep forbidden headers", FETCH,
           "return lower in FORBIDDEN_REQUEST_HEADERS or lower", "return lower"),
    Mutant("a method override may name TRACE", FETCH,
           "return any(map(is_forbidden_method, split_value(value)))", "return False"),
    # What the page sees.
    Mutant("* exposes everything with credentials", FILTERED,
           "everything = not include and fetch.WILDCARD in names", "everything = fetch.WILDCARD in names"),
    Mutant("expose Set-Cookie", FETCH,
           'FORBIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie", "set-cookie2"})',
           'FORBIDDEN_RESPONSE_HEADERS = frozenset({"set-cookie2"})'),
    Mutant("a malformed list exposes what it can", FILTERED,
           "names = fetch.parse_list(response.values(fetch.EXPOSE_HEADERS)) or []",
           'names = [name.strip() for name in (response.get(fetch.EXPOSE_HEADERS) or "").split(",")]'),
    Mutant("an opaque response has a status", FILTERED,
           'return VisibleResponse(kind, "", 0, timing', 'return VisibleResponse(kind, "", response.status, timing'),
    Mutant("ignore Cross-Origin-Resource-Policy", ALGORITHM,
           "            check_resource_policy(self.origin, self.url, response)\n", "            pass\n"),
    # Redirects.
    Mutant("forget the taint of a redirect", ATTACHED,
           "if not same_origin(before, after) and not same_origin(origin, before):", "if False:"),
    Mutant("every redirect to another origin taints", ATTACHED,
           "if not same_origin(before, after) and not same_origin(origin, before):",
           "if not same_origin(before, after):"),
    Mutant("a 303 keeps the method", ALGORITHM,
           'or (status == 303 and self.method not in ("GET", "HEAD"))', ""),
    Mutant("a 302 turns PUT into GET", ALGORITHM,
           '(status in (301, 302) and self.method == "POST")', '(status in (301, 302) and self.method != "HEAD")'),
    Mutant("keep Authorization across origins", ALGORITHM,
           "            dropped |= fetch.NON_WILDCARD_REQUEST_HEADERS\n", "            pass\n"),
    Mutant("keep Content-Type without its body", ALGORITHM,
           "            dropped |= _REQUEST_BODY_HEADERS\n", ""),
    Mutant("redirects need not pass the CORS check", ALGORITHM,
           "            check_cors(self.shown_origin, self.include, response)\n",
           "            if response.status not in REDIRECT_STATUSES:\n"
           "                check_cors(self.shown_origin, self.include, response)\n"),
    Mutant("follow 21 redirects", ALGORITHM,
           "LONGEST_CHAIN = 20", "LONGEST_CHAIN = 21"),
    Mutant("allow a user name in a redirect", ALGORITHM,
           "if target.has_credentials and is_wary:", "if False:"),
    Mutant("a 300 is a redirect", CHECKS,
           "frozenset({301, 302, 303, 307, 308})", "frozenset({300, 301, 302, 303, 307, 308})"),
    Mutant("send a stream twice", ALGORITHM,
           "if response.status != 303 and self.request.streaming:", "if False:"),
    Mutant("null is the same origin as null", SITES,
           'return one == other != "null"', "return one == other"),
    # The preflight cache.
    Mutant("the cache ignores the query", ALGORITHM,
           "return Key(self.partition, self.shown_origin, self.url.without_fragment())",
           'return Key(self.partition, self.shown_origin, self.url.without_fragment().partition("?")[0])'),
    Mutant("the cache ignores the origin", ALGORITHM,
           "return Key(self.partition, self.shown_origin,", 'return Key(self.partition, "",'),
    Mutant("the cache ignores the taint", ALGORITHM,
           "return Key(self.partition, self.shown_origin,", "return Key(self.partition, self.origin,"),
    Mutant("the cache ignores the partition", ALGORITHM,
           "return Key(self.partition, self.shown_origin,", 'return Key("", self.shown_origin,'),
    Mutant("the cache ignores credentials", CACHE,
           "flags = (True,) if include else", "flags = (False, True) if include else"),
    Mutant("the cache ignores the method", CACHE,
           'include, "method", self._names(method, include))', 'include, "preflight", ("",))'),
    Mutant("the cache ignores headers", CACHE,
           'include, "header", self._names(name, include, name))', 'include, "preflight", ("",))'),
    Mutant("the cache never forgets", CACHE,
           "and now - entry.stored < entry.max_age]", "and entry.max_age]"),
    Mutant("the cache forgets a moment too late", CACHE,
           "and now - entry.stored < entry.max_age]", "and now - entry.stored <= entry.max_age]"),
    Mutant("a failure does not clear the cache", ALGORITHM,
           "                self.browser.preflights.clear(self.key)\n            return",
           "                pass\n            return"),
    Mutant("any failure clears the cache", ALGORITHM,
           "(self.preflighted or any_failure) and not spared", "not spared"),
    # Cookies, and what a browser adds by itself.
    Mutant("send cookies with omit", ALGORITHM,
           'self.request.credentials == "same-origin" and self.tainting == "basic"',
           'self.request.credentials != "include" and self.tainting == "basic"'),
    Mutant("send cookies across origins by default", ALGORITHM,
           'self.request.credentials == "same-origin" and self.tainting == "basic"',
           'self.request.credentials == "same-origin"'),
    Mutant("ignore SameSite", COOKIES,
           "return request.is_same_site or is_for_all", "return True"),
    Mutant("SameSite=None needs no Secure", COOKIES,
           "if is_for_all and not cookie.secure:", "if False:"),
    Mutant("a same-origin POST carries no Origin", ATTACHED,
           'if method in ("GET", "HEAD"):', 'if method in ("GET", "HEAD", "POST"):'),
    Mutant("Sec-Fetch-Site looks at the last hop alone", ATTACHED,
           "    for url in urls:\n        if same_origin(origin, url)",
           "    for url in urls[-1:]:\n        if same_origin(origin, url)"),
    Mutant("every subdomain of a public suffix is one site", SITES,
           "else _suffixes().privatesuffix(host)", 'else ".".join(host.split(".")[-2:])'),
    Mutant("ignore the referrer policy", ATTACHED,
           'if origin == "null" or hidden.get(policy, False) else', 'if origin == "null" else'),
    # What a message may hold.
    Mutant("control characters reach the message", VERDICTS,
           "character if character.isprintable() else", "character if character else"),
    Mutant("messages are as long as the server likes", VERDICTS,
           "_LONGEST = 120", "_LONGEST = 10**9"),
]
# fmt: on


class Outcome(NamedTuple):
    """What became of a mistake: the test that caught it, if one did, and after how many seconds."""

    mutant: Mutant
    caught_by: str | None
    seconds: float


def judge(mutant: Mutant, *arguments: str) -> Outcome:
    """Make one mistake in a copy of the package, and run the tests against it."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        file = copied(Path(folder)) / mutant.file
        file.write_text(mutant.mutated(file.read_text()))
        failures = (first_failure(Path(folder), names, *arguments) for names in TESTS)
        caught_by = next(filter(None, failures), None)
    return Outcome(mutant, caught_by, time.monotonic() - start)


def copied(folder: Path) -> Path:
    """Copy the package into *folder*, and return where it is."""
    return Path(shutil.copytree(ROOT / PACKAGE, folder / PACKAGE, ignore=shutil.ignore_patterns("__pycache__")))


# The copy must win over the package that is installed, or every mistake would survive, or seem to be caught.
_RUN = """
import pathlib, sys
import crossorigin, pytest
assert pathlib.Path(crossorigin.__file__).is_relative_to(sys.argv[1]), crossorigin.__file__
sys.exit(pytest.main(sys.argv[2:]))
"""


def first_failure(folder: Path, names: tuple[str, ...], *arguments: str) -> str | None:
    """Run the test files *names* with the package in *folder*, and return the test that fails first, if one does."""
    # A copy is no part of what the tests around it run on or count.
    others = ("PYTEST_", "COV_", "COVERAGE_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    environment = inherited | {
        "PYTHONPATH": str(folder / "src"),
        "HYPOTHESIS_STORAGE_DIRECTORY": str(folder / "hypothesis"),
    }
    options = ["-x", "-q", "-rfE", "--tb=no", "--hypothesis-seed=0", "-n0", "-o", "addopts="]
    options += [f"-pno:{plugin}" for plugin in ("cacheprovider", "crossorigin", "pytest_cov")]
    # Which package is tested is asked before pytest starts, and it would have liked to load that package itself.
    options.append("-Wignore::pytest.PytestAssertRewriteWarning")
    options += [f"--deselect=tests/browser/{test}" for test in TIMED]
    files = [str(Path("tests", "browser", name)) for name in names]
    command = [sys.executable, "-c", _RUN, str(folder.resolve()), *options, *arguments, *files]
    try:
        done = subprocess.run(
            command, cwd=ROOT, env=environment, timeout=TIMEOUT, capture_output=True, text=True, check=False
        )
    except subprocess.TimeoutExpired:
        return f"the time limit of {TIMEOUT} s"
    if done.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return None
    found = re.search(r"^(?:FAILED|ERROR) (\S+(?:\[.*?\])?)(?: - |$)", done.stdout, re.MULTILINE)
    if found is None:
        raise RuntimeError(f"the tests did not run:\n{done.stdout}{done.stderr}")
    return found[1].removeprefix("tests/browser/")


def report(outcome: Outcome) -> None:
    caught_by = outcome.caught_by or "*** NOTHING ***"
    sys.stdout.write(f"{outcome.mutant.name:<50} {outcome.seconds:5.1f} s  {caught_by}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Make every mistake, one for each processor at a time; return 0 if all were caught."""
    with tempfile.TemporaryDirectory() as folder:
        copied(Path(folder))
        broken = first_failure(Path(folder), sum(TESTS, ()), *arguments)
    if broken is not None:
        sys.stdout.write(f"Without any mistake, {broken} fails already: nothing can be told from these tests.\n")
        return 2
    outcomes = []
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for outcome in pool.map(lambda mutant: judge(mutant, *arguments), MUTANTS):
            report(outcome)
            outcomes.append(outcome)
    survivors = [outcome.mutant.name for outcome in outcomes if outcome.caught_by is None]
    sys.stdout.write(f"{len(outcomes) - len(survivors)} of {len(outcomes)} mistakes caught.\n")
    for name in survivors:
        sys.stdout.write(f"No test notices: {name}\n")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
