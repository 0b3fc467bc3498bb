"""P5: what importing costs, and that the core imports nothing but the standard library."""

import subprocess
import sys

import pytest


@pytest.mark.parametrize("module", ["crossorigin", "crossorigin.asgi", "crossorigin.wsgi"])
def test_p5_importing_loads_no_third_party_module(module: str) -> None:
    program = (
        "import sys; before = set(sys.modules)\n"
        f"import {module}\n"
        "names = {name.partition('.')[0] for name in set(sys.modules) - before}\n"
        "print(sorted(names - set(sys.stdlib_module_names) - {'crossorigin'}))"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "[]\n"


# Each takes milliseconds to load, and is there when somebody needs it.
LATE = ("dataclasses", "datetime", "difflib", "inspect", "ipaddress", "json", "logging", "pathlib", "unicodedata")


@pytest.mark.parametrize("module", ["crossorigin", "crossorigin.asgi", "crossorigin.wsgi"])
def test_p5_importing_loads_nothing_that_can_wait(module: str) -> None:
    # Without site, which loads what the environment has it load.
    program = f"import sys; sys.path += {sys.path!r}; import {module}; print(sorted({{*{LATE}}} & {{*sys.modules}}))"

    printed = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "[]\n"


def test_the_public_suffixes_are_read_only_for_a_wildcard_with_credentials() -> None:
    program = (
        "import sys; from crossorigin import Policy\n"
        "Policy(['https://app.example.com', 'http://localhost:*'], allow_credentials=True)\n"
        "Policy('https://*.example.com')\n"
        "print('publicsuffixlist' in sys.modules)\n"
        "Policy('https://*.example.com', allow_credentials=True)\n"
        "print('publicsuffixlist' in sys.modules)"
    )

    printed = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout

    assert printed == "False\nTrue\n"
