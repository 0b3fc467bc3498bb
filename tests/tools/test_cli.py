"""The command itself, as a process: what it writes where, its exit status, and what it says without the extra."""

import json
import os
import pty
import re
import shlex
import subprocess
import sys
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from types import MappingProxyType

import pytest

ROOT = Path(__file__).parent.parent.parent
APP = "https://app.example.com"


def crossorigin(
    *arguments: str, cwd: Path = ROOT, environment: Mapping[str, str] = MappingProxyType({})
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "crossorigin.tools", *arguments],
        capture_output=True,
        text=True,
        check=False,
        cwd=cwd,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.mark.parametrize("missing", ["httpx", "rich", "typer"])
def test_without_the_extra_it_says_what_to_install(missing: str) -> None:
    program = (
        f"import sys; sys.modules[{missing!r}] = None\n"
        "from crossorigin.tools import main\n"
        "sys.exit(main())"
    )  # fmt: skip

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"crossorigin: the command needs {missing}: pip install 'crossorigin[cli]'\n"


def test_the_version() -> None:
    done = crossorigin("--version")

    assert (done.returncode, done.stdout) == (0, f"crossorigin {version('crossorigin')}\n")


def test_the_help_names_all_commands() -> None:
    done = crossorigin("--help")

    assert done.returncode == 0
    assert all(f"\n  {command} " in done.stdout for command in ("check", "explain", "schema", "lab"))
    assert "--install-completion" in done.stdout


@pytest.mark.parametrize(
    ("words", "completed"),
    [("crossorigin ch", "check"), ("crossorigin explain --cred", "--credentials"), ("crossorigin lab --o", "--once")],
)
def test_the_shell_completes_commands_and_options(words: str, completed: str) -> None:
    asked = {"_CROSSORIGIN_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}

    done = crossorigin(environment=asked)

    assert (done.returncode, completed in done.stdout.split()) == (0, True)


def test_the_schema_is_the_one_that_is_shipped() -> None:
    done = crossorigin("schema")

    assert done.returncode == 0
    assert json.loads(done.stdout) == json.loads((ROOT / "src" / "crossorigin" / "schema.json").read_text("utf-8"))


def test_plain_text_where_no_terminal_is() -> None:
    done = crossorigin("explain", "tests.tools.mistakes:missing_scheme", "--origin", APP)

    assert (done.returncode, done.stderr) == (1, "")
    assert done.stdout.isascii()
    assert "To allow it:\n  - write 'https://app.example.com' in allow_origins" in done.stdout


def test_a_drawing_where_a_terminal_is() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "crossorigin.tools", "explain", "tests.tools.mistakes:missing_scheme"]
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "80", "LANG": "C.UTF-8", "NO_COLOR": "1"}
    process = subprocess.Popen([*command, "--origin", APP], stdout=theirs, cwd=ROOT, env=environment)
    os.close(theirs)
    out = b""
    try:
        while chunk := os.read(ours, 65536):
            out += chunk
    except OSError:  # Linux says so where the other side is closed
        pass
    finally:
        os.close(ours)

    assert process.wait(timeout=60) == 1
    assert "│" in out.decode()
    assert b"\x1b[3" not in out


def test_options_reach_the_command() -> None:
    options = ["--method", "put", "--header", "X-A: 1", "--header", "X-B", "--credentials", "include"]
    more = ["--path", "/items?a=1", "--engine", "webkit", "--json"]

    done = crossorigin("explain", "tests.tools.mistakes:another_port", "--origin", APP, *options, *more)

    asked = json.loads(done.stdout)
    assert done.returncode == 1
    assert asked["engine"] == "webkit"
    assert asked["request"] == {
        "method": "PUT",
        "url": "https://api.example.com/items?a=1",
        "headers": [["X-A", "1"], ["X-B", "1"]],
        "credentials": "include",
        "dropped": [],
    }


def test_check_reads_the_file_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "crossorigin.toml").write_text(f"allow_origins = ['{APP}']", encoding="utf-8")

    done = crossorigin("check", "--json", cwd=tmp_path)

    assert (done.returncode, json.loads(done.stdout)["good"]) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["check", "missing.toml"], "crossorigin: missing.toml cannot be read: No such file or directory\n"),
        (["check", "no_such:app"], "crossorigin: no_such does not import: ModuleNotFoundError: No module named"),
        (["explain", "wrong.toml", "--origin", APP], "crossorigin: the policy has 2 problems: `crossorigin check wro"),
        (["lab", "missing.toml"], "crossorigin: missing.toml cannot be read: No such file or directory\n"),
    ],
)
def test_a_wrong_use_is_one_sentence_on_stderr(tmp_path: Path, arguments: list[str], sentence: str) -> None:
    (tmp_path / "wrong.toml").write_text("allow_origins = ['a.example', 'b.example']", encoding="utf-8")

    done = crossorigin(*arguments, cwd=tmp_path)

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(sentence)
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["check", "--nonsense"], ["explain"], ["explain", "--origin", APP, "--engine", "ie"]]
)
def test_options_that_are_none_are_a_wrong_use(arguments: list[str]) -> None:
    done = crossorigin(*arguments)

    assert (done.returncode, done.stdout) == (2, "")
    assert "Traceback" not in done.stderr


def test_a_reader_that_goes_away_is_no_error(tmp_path: Path) -> None:
    # More than a pipe holds, so that the command meets the closed end.
    origins = [f"https://a{number}.example/" for number in range(3000)]
    (tmp_path / "crossorigin.json").write_text(json.dumps({"allow_origins": origins}), encoding="utf-8")
    command = f"{sys.executable} -m crossorigin.tools check crossorigin.json | head -n 1"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path)

    assert (done.stdout, done.stderr) == ("3000 errors:\n", "")


HOSTILE = """
import time
class Mute:
    def __getattr__(self, name): raise RuntimeError("no")
class Masked:
    @property
    def __class__(self): raise RuntimeError("no")
class Unshown:
    def __repr__(self): raise RuntimeError("no")
class Anything:
    def __getattr__(self, name): return self
class Listed(dict):
    def items(self): raise RuntimeError("no")
    def __iter__(self): raise RuntimeError("no")
mute, masked, unshown, anything, listed = Mute(), Masked(), Unshown(), Anything(), Listed(allow_origins="*")
async def header(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": [(b"x", 3)]})
    await send({"type": "http.response.body"})
def leaves(environ, start_response): raise SystemExit(0)
"""


@pytest.mark.parametrize(
    "arguments",
    [
        *([f"check|{name}"] for name in ("", ".", "/", "x" * 300, "ends:app", "hostile:mute", "hostile:masked")),
        *([f"check|hostile:{name}"] for name in ("unshown", "anything", "listed", "mute.x", "unshown.x")),
        *([f"explain|hostile:{name}|--origin|{APP}"] for name in ("header", "leaves", "anything", "mute")),
        *([f"explain|hostile:header|--origin|{origin}"] for origin in ("", f"{APP} {APP}", f"{APP},{APP}", f"{APP}:x")),
    ],
)
@pytest.mark.parametrize("as_json", [False, True])
def test_whatever_is_named_there_is_no_traceback(tmp_path: Path, arguments: list[str], as_json: bool) -> None:
    (tmp_path / "hostile.py").write_text(HOSTILE, encoding="utf-8")
    (tmp_path / "ends.py").write_text("raise GeneratorExit", encoding="utf-8")

    done = crossorigin(*arguments[0].split("|"), *["--json"] * as_json, cwd=tmp_path)

    assert done.returncode == 2, done
    if as_json:
        assert (list(json.loads(done.stdout)), done.stderr) == (["error"], "")
    else:
        assert done.stdout == ""
        assert done.stderr.startswith("crossorigin: ")
        assert done.stderr.count("\n") == 1


def test_an_application_that_never_answers_does_not_keep_the_command(tmp_path: Path) -> None:
    # Python waits for the threads of an executor before it ends, and nobody ends this one.
    program = (
        "import asyncio, threading\n"
        "async def app(scope, receive, send):\n"
        "    await asyncio.to_thread(threading.Event().wait)\n"
    )  # fmt: skip
    (tmp_path / "stuck.py").write_text(program, encoding="utf-8")
    command = (
        "import sys; from crossorigin.tools import cli, playing; playing._SECONDS = 0.5; "
        f"sys.argv[1:] = ['explain', 'stuck:app', '--origin', '{APP}']; sys.exit(cli.run())"
    )

    done = subprocess.run(
        [sys.executable, "-c", command], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=30
    )

    assert (done.returncode, done.stderr) == (2, "crossorigin: stuck:app does not answer within 0.5 seconds\n")


NOISY = f"""
import atexit, os, subprocess
from crossorigin import Policy
def noise(text):
    print(text)
    os.write(1, b"written")
    subprocess.run(["echo", "echoed"])
noise("imported")
atexit.register(noise, "ended")
policy = Policy("{APP}")
async def app(scope, receive, send):
    noise("called")
    await send({{"type": "http.response.start", "status": 200, "headers": []}})
    await send({{"type": "http.response.body"}})
"""


@pytest.mark.parametrize("arguments", [["check", "noisy:policy"], ["explain", "noisy:app", "--origin", APP]])
def test_what_a_module_prints_by_whatever_means_is_not_in_the_document(tmp_path: Path, arguments: list[str]) -> None:
    (tmp_path / "noisy.py").write_text(NOISY, encoding="utf-8")

    done = crossorigin(*arguments, "--json", cwd=tmp_path)

    assert json.loads(done.stdout)["source"] == arguments[1]
    assert all(word in done.stderr for word in ("imported", "written", "echoed", "ended"))
    assert ("called" in done.stderr) == (arguments[0] == "explain")


def test_credentials_alone_are_included() -> None:
    done = crossorigin("explain", "tests.tools.mistakes:missing_scheme_mended", "--origin", APP, "--credentials")
    before = crossorigin("explain", "tests.tools.mistakes:another_port", "--origin", APP, "--credentials", "--json")

    assert (done.returncode, "credentials: include" in done.stdout) == (1, True)
    assert json.loads(before.stdout)["request"]["credentials"] == "include"


def test_colours_that_are_forced_draw_nothing_into_a_pipe(tmp_path: Path) -> None:
    (tmp_path / "crossorigin.toml").write_text("allow_origins = 'a.example'", encoding="utf-8")

    forced = crossorigin("check", cwd=tmp_path, environment={"FORCE_COLOR": "1"})

    assert forced.stdout == crossorigin("check", cwd=tmp_path).stdout


def test_a_dumb_terminal_has_plain_lines() -> None:
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "crossorigin.tools", "explain", "tests.tools.mistakes:missing_scheme"]
    environment = {**os.environ, "TERM": "dumb", "COLUMNS": "80", "LANG": "C.UTF-8"}
    with os.fdopen(ours, "rb", buffering=0) as reader:
        process = subprocess.Popen([*command, "--origin", APP], stdout=theirs, cwd=ROOT, env=environment)
        os.close(theirs)
        start = reader.read(40)
        assert process.wait(timeout=60) == 1

    assert start.startswith(b"GET https://api.example.com/ from ")


def test_what_the_encoding_lacks_is_escaped(tmp_path: Path) -> None:
    (tmp_path / "crossorigin.toml").write_text("allow_origins = 'https://b\u00fccher.example'", encoding="utf-8")

    done = crossorigin("check", cwd=tmp_path, environment={"PYTHONIOENCODING": "ascii"})

    assert (done.returncode, done.stderr) == (1, "")
    assert r"'https://b\xfccher.example'" in done.stdout


def test_for_machines_options_that_are_none_are_json_too() -> None:
    done = crossorigin("explain", "--json")

    assert (done.returncode, done.stderr) == (2, "")
    assert "--origin" in json.loads(done.stdout)["error"]


def test_the_schema_takes_the_option_for_machines() -> None:
    assert crossorigin("schema", "--json").stdout == crossorigin("schema").stdout


@pytest.mark.parametrize("arguments", ["schema", "--help", "--version", "schema --json"])
@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_an_output_that_cannot_be_written_is_one_sentence(arguments: str, output: str) -> None:
    command = f"{sys.executable} -m crossorigin.tools {arguments} {output}"

    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done
    assert done.stderr.startswith("crossorigin: the")


PAGE = (ROOT / "docs" / "command-line.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
RUNS = [block for language, block in BLOCKS if block.startswith("$ crossorigin ")]


@pytest.mark.parametrize("run", RUNS, ids=lambda run: run.splitlines()[0])
def test_the_page_on_the_command_line_shows_what_is_printed(tmp_path: Path, run: str) -> None:
    for _, block in BLOCKS:
        if block.startswith("# "):
            (tmp_path / block.split()[1]).write_text(block, encoding="utf-8")
    command, _, printed = run.partition("\n")

    done = crossorigin(*shlex.split(command)[2:], cwd=tmp_path)

    assert done.stdout.rstrip("\n") == printed.rstrip("\n")
    assert done.stderr == ""
