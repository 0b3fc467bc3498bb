"""Install Debian's packages that are missing, where that needs nobody's leave: as root, on Debian. Make runs it.

Called with the name of programs, and with ``engines`` for the browsers. It never fails: where it cannot install, the
tests and the benchmarks say what is missing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from .engines import packages

ENGINES = "engines"
APT = ["apt-get", "-qq"]
COMMANDS = ([*APT, "update"], [*APT, "-y", "install", "--no-install-recommends"])


def needed(wanted: list[str]) -> list[str]:
    """Return the packages of what is *wanted* and missing. A program's package has its name."""
    programs = [name for name in wanted if name != ENGINES]
    if ENGINES not in wanted:
        return [name for name in programs if shutil.which(name) is None]
    # The namespace is made by `ip`, which a small Debian does without.
    tools = [*(["iproute2"] if shutil.which("ip") is None else []), *needed(programs)]
    return [*packages(), *tools]


def main(wanted: list[str]) -> None:
    """Install what is *wanted* and missing, if that is possible."""
    missing = needed(wanted)
    if not missing or os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        return
    print(f"Installing {', '.join(missing)}. This may take 1 to 2 minutes.", flush=True)  # noqa: T201
    update, install = COMMANDS
    for command in (update, [*install, *missing]):
        done = subprocess.run(
            command,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            print(f"'{' '.join(command)}' failed: what needs {', '.join(missing)} cannot run.", file=sys.stderr)  # noqa: T201
            return


if __name__ == "__main__":
    main(sys.argv[1:])
