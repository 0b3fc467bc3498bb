"""``docs/performance.md``: made from results, and from nothing else."""

from typing import Any

from . import hostile, importing, instructions, origins, parts, requests, throughput
from .reporting import Table, targets_table

INTRODUCTION = """\
# Performance

What CORS costs with crossorigin, beside the bare application, beside a middleware that does next to nothing, and beside
other libraries in the versions that the tables name, each configured by its own documentation for the same policy: one
exact origin with credentials, two methods, two request headers, one exposed header, ten minutes. All figures on this
page come from one run of `make bench`, which wrote the page; [results.json](performance/results.json) holds what it
measured, medians included.

The *limit* is a middleware of the same stack that wraps the response and adds one fixed header, written as well as one
can. It has no policy and looks at nothing: what it adds is the price of touching a response. On ASGI it is an
`async def`, by which servers know such an application, and it copies the message, which an application may send again.
A library that leaves some responses alone, or works inside a framework, can stay below that.
"""

TARGETS = """\
## Targets

Rows that say *missed* say by how much. For P2, *not decided* means that the bare application was as far from itself, in
the same run, as the figure is from its target. The other figures are minima of many rounds, which differ by some per
cent from one run to the next: what is missed or met by less could as well be the other. P6, the fewest preflights for a
page, is held with real browsers in [tests/engines/test_preflights.py](../tests/engines/test_preflights.py), which
prints its own table.
"""

REQUESTS = """\
## What is added to a request

Applications are asked in process, without a server, and with the header lines that Chromium sends. A row shows what is
added to the bare application's time; in brackets, to how many times what the limit adds that comes. All libraries of a
table take turns in one process, in {rounds} short rounds in random order; times are the minima of all rounds, with the
collector of garbage at rest. Every answer was checked before it was measured.

A library that only works inside a framework is measured against the bare application of that framework, and so is
crossorigin beside it. Where a figure is negative, the preflight was answered without the framework, which would have
taken longer. How far the limit's row scatters over the kinds of request shows how much of a table is noise.

The tables ASGI and WSGI have two more kinds of request: from an origin that was never seen before and is not allowed,
another one each time. Remembered answers are of no use there, and crossorigin logs each refusal, with what would have
been allowed instead; the others log nothing. In a flood it stops logging for a minute, which is not shown: each round
begins with a new application.

![What each library adds, by kind of request](performance/kinds.svg)

![What each library adds to an allowed request inside frameworks](performance/frameworks.svg)
"""

INSTRUCTIONS = """\
## Instructions

The same in front of an application of no framework, counted with valgrind and not timed. Such counts are the same
whatever else the machine does, so that a test holds bounds for the ratios: `tests/test_cost.py`.
"""

PARTS = """\
## Where the time goes

What crossorigin does to an allowed request whose question came before, part by part, each timed alone, and what the
limit does. Of the figures above, the parts explain this much:

{shares}.

The rest are attributes, tests and calls in between, in colder caches than a part that is timed alone has.

This is how the generic adapters miss P1: the limit has the last two steps alone, and none of the others can go. Without
the first there is no policy; without the mark a policy further in would be overwritten; without the look through the
response its own CORS headers would be doubled, and its `Vary` lost. The libraries that stay below do less: they send no
`Vary`, or double what the application set ([scorecard](scorecard.md), S10 and S11).
"""

THROUGHPUT = """\
## In front of real servers

An application that answers at once, so that everything else weighs most, is asked over loopback by
[wrk](https://github.com/wg/wrk) with {connections} connections: an allowed request. Servers run with one process, and
share the machine with wrk. All applications take turns in every round, for one second each; a share is the median of
what each reached of what the bare application reached in the same round, with the lowest and the highest beside it. The
bare application runs twice, and the share is of the mean of both: how far they are apart says what figures are worth.

What counts for P2 are the requests for each second that the server's process computed: that is its throughput with a
processor of its own. By the clock it shares the machine with wrk.

*Bare, sending the same lines* has no library at all, and sets the four lines of the answer by itself: what the server
takes to check and to write them, nobody can save who answers rightly.

{losses}

In front of an application that does nothing, a microsecond is some per cent of a request; in front of one that takes a
millisecond, it is a thousandth. In aiohttp a middleware and a signal are two more layers, through which aiohttp leads
every request: nothing else sees a preflight before the router does, and errors of the router, too.
"""

ORIGINS = """\
## The number of declared origins

Each question is about another one of the declared origins, drawn at random: the hardest case, since nothing of it is
in the processor's caches. *The same again* asks about one of them over and over. What a plain `frozenset` of as many
strings costs is beside it: a million strings do not fit into any cache, whatever is done with them.

That is why P3 is missed for another origin each time, by less than the plain set misses it, and met for the same again:
a decision looks into that set once, whatever its size, and the rest does not grow.

Bytes are those that the policy keeps beyond the list of strings that it was given; *in all* counts these strings, too.

![Cost by the number of origins](performance/origins.svg)
"""

HOSTILE = """\
## Hostile requests

One request with a header of that size, the shortest of at most five tries. Servers bound what gets to an application,
most of them far below these sizes; nothing does here, so that it is the library that is measured. Peers that live in a
framework run in it. Whoever takes more than 20 ms for a size is not asked for more.
"""

IMPORTS = """\
## Imports

Interpreters that import something and end, in turns with interpreters that do not. A library that only works inside a
framework is measured beyond the import of that framework, since its application has that one anyway.

A good part of it are two modules of the standard library, re and typing, and what these import. Any server or framework
has loaded them already: one row shows what crossorigin adds beyond.
"""

AGAIN = """\
## How to repeat it

`make bench` takes some minutes and writes this page. It wants a machine that does nothing else.
`python -m benchmarks.cost` prints without writing; it takes the names of sections
({sections}), and `--quick` for a first look in a minute.
Throughput needs wrk, and counting needs valgrind: `apt-get install wrk valgrind`.
`python -m benchmarks.cost --from-results` draws the page and its plots anew from what was measured last.
"""


def page(results: dict[str, Any]) -> str:
    """Return the page that *results* give, as Markdown."""
    machine = "\n".join(f"- {name}: {value}" for name, value in results["machine"].items())
    rounds = results["requests"]["ASGI"]["rounds"]
    targets = [target for name, section in SECTIONS.items() for target in section.targets(results[name])]
    written = [
        INTRODUCTION,
        TARGETS,
        _tables([targets_table(targets)]),
        f"## The machine\n\n{machine}\n",
        REQUESTS.format(rounds=rounds),
        _tables(requests.tables(results["requests"])),
        INSTRUCTIONS,
        _tables(instructions.tables(results["instructions"])),
        PARTS.format(shares=parts.shares(results["parts"], results["requests"])),
        _tables(parts.tables(results["parts"])),
        THROUGHPUT.format(connections=throughput.CONNECTIONS, losses=throughput.losses(results["throughput"])),
        _tables(throughput.tables(results["throughput"])),
        ORIGINS,
        _tables(origins.tables(results["origins"])),
        HOSTILE,
        _tables(hostile.tables(results["hostile"])),
        IMPORTS,
        _tables(importing.tables(results["imports"])),
        AGAIN.format(sections=", ".join(f"`{name}`" for name in SECTIONS)),
    ]
    return "\n".join(written)


# Every section of the command, in the order in which it is run: the quick ones last.
SECTIONS: dict[str, Any] = {
    "requests": requests,
    "throughput": throughput,
    "origins": origins,
    "hostile": hostile,
    "imports": importing,
    "parts": parts,
    "instructions": instructions,
}


BEGIN, END = "<!-- made by `make bench` -->", "<!-- until here -->"


def readme(text: str, results: dict[str, Any]) -> str:
    """Return the README *text* with the summary that *results* give between its two marks."""
    before, _, rest = text.partition(BEGIN)
    table = requests.summary(results["requests"]).markdown().partition("\n\n")[2]  # its title is the section's
    return f"{before}{BEGIN}\n{table}{END}{rest.partition(END)[2]}"


def _tables(tables: list[Table]) -> str:
    return "\n".join(table.markdown() for table in tables)
