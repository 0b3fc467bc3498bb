"""The server rules as one scorecard: crossorigin and the other Python libraries for CORS, side by side.

``python -m benchmarks.scorecard`` prints the table, and with ``--write`` writes the page and the picture. The rules are
those of ``docs/rules.md``; `situations` shows each by requests and pages, under `policies` that belong to no library,
and `libraries` has one driver for each library, which does what that library's own documentation says.
"""
