"""Install the engines that are missing, where that needs nobody's leave: as root, on Debian. ``make test`` runs it.

It never fails: where it cannot install, the tests say what is missing.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from . import packages

APT = ["apt-get", "-qq"]
COMMANDS = ([*APT, "update"], [*APT, "-y", "install", "--no-install-recommends"])


def main() -> None:
    """Install what is missing, if that is possible."""
    # The namespace is made by `ip`, which a small Debian does without.
    needed = [*packages(), *(["iproute2"] if shutil.which("ip") is None else [])]
    if not needed or os.geteuid() != 0 or not Path("/etc/debian_version").exists():
        return
    print(f"Installing {', '.join(needed)}: browsers for the tests. This takes 1 to 2 minutes.", flush=True)  # noqa: T201
    update, install = COMMANDS
    for command in (update, [*install, *needed]):
        done = subprocess.run(
            command,
            check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        if done.returncode:
            print(f"'{' '.join(command)}' failed: the tests with browsers cannot run.", file=sys.stderr)  # noqa: T201
            return


if __name__ == "__main__":
    main()
