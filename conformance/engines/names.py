"""The names of the tests' origins: which there are, and how a browser on this machine reaches each on loopback.

Inside a namespace (the script beside this module) they are the names themselves, without a port, because `hosts` is the
machine's list of names. Elsewhere they stand below ``localhost``, which every engine takes for loopback by itself.
"""

from pathlib import Path

HOSTS = Path(__file__).with_name("hosts")
LOOPBACK = "127.0.0.1"


def in_namespace() -> bool:
    """Return whether this process runs inside the namespace, where the names are the machine's own."""
    return Path("/etc/hosts").read_bytes() == HOSTS.read_bytes()


def names() -> list[str]:
    """Return the names that `hosts` gives to loopback."""
    return [name for line in HOSTS.read_text(encoding="ascii").splitlines() for name in line.split()[1:]]


def reachable(name: str) -> str:
    """Return the host by which a browser here reaches *name*.

    Raises:
        ValueError: If the namespace does not know the name.
    """
    if name == LOOPBACK or name.rpartition(".")[2] == "localhost":
        return name
    if not in_namespace():
        return f"{name}.localhost"
    if name not in names():
        raise ValueError(f"{name} is not in {HOSTS}: add it there")
    return name
