"""On what was measured: figures mean little without it."""

import os
import platform
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("uvicorn", "httptools", "waitress", "aiohttp")


def describe() -> dict[str, str]:
    """Return what there is to know of the machine and of the interpreter."""
    servers = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return {
        "processor": f"{_processor()}, {os.cpu_count()} of its cores",
        "system": f"{platform.system()} {platform.release()}",
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "servers": servers,
        "crossorigin": version("crossorigin"),
        "load when it began": f"{os.getloadavg()[0]:.1f} processes",
    }


def _processor() -> str:
    described = Path("/proc/cpuinfo")
    lines = described.read_text(encoding="utf-8").splitlines() if described.exists() else []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())
