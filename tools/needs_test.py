#!/usr/bin/env python3
"""Runs tools/needs.sh on machines that lack something: directories of programs that do nothing."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
NEEDS = ROOT / "tools/needs.sh"
LINES = [line.split() for line in re.search(r'table="\\\n(.*?)"', NEEDS.read_text(), re.S)[1].splitlines()]
PACKAGES = {words[0]: words[1] for words in LINES}
WITHOUT = {words[0] for words in LINES if words[2:]}
# What they do on a machine that has it all.
SCRIPTS = {"gcc": "echo /usr/lib/libasan.so", "id": "echo 0", "env": 'shift; exec "$@"', "sudo": 'exec "$@"',
           "apt-get": 'echo "apt-get $*" >> "$LOG"; [ "$1" = install ] || exit 0; '
                      'for tool in $BRINGS; do : > "$BIN/$tool"; /bin/chmod +x "$BIN/$tool"; done'}
# What is not a program, and whose absence shows when this one answers otherwise.
ASKED = {"venv": ("python3", "exit 1"), "libasan": ("gcc", "echo libasan.so")}

passed = failed = 0


def check(good, name, detail=""):
    global passed, failed
    passed, failed = passed + bool(good), failed + (not good)
    if not good:
        print(f"FAIL {name}: {detail}")


class Machine:
    """All tools but some. `other` has the scripts of programs that do not as they usually do."""

    def __init__(self, work, without=(), other=()):
        self.bin = pathlib.Path(tempfile.mkdtemp(dir=work))
        scripts = SCRIPTS | dict(other)
        for name in {*PACKAGES, *SCRIPTS, "apt-cache"} - {*ASKED, *without}:
            program = self.bin / name
            program.write_text(f"#!/bin/sh\n{scripts.get(name, 'exit 0')}\n")
            program.chmod(0o755)

    def needs(self, *arguments, brings=""):
        log = self.bin / "log"
        log.write_text("")
        done = subprocess.run([NEEDS, *arguments], capture_output=True, text=True, timeout=60,
                              env={"PATH": str(self.bin), "SBIN": str(self.bin), "BIN": str(self.bin),
                                   "LOG": str(log), "BRINGS": brings})
        self.installed = log.read_text().splitlines()
        return done.returncode, done.stderr


def looking(work):
    check(Machine(work).needs("--test") == (0, ""), "nothing is missing")
    for tool, package in PACKAGES.items():
        machine = Machine(work, [tool], [ASKED[tool]] if tool in ASKED else [])
        # gcc has the library, python3 the module.
        lost = [name for name in PACKAGES if name == tool or name in ASKED and ASKED[name][0] == tool]
        status, text = machine.needs("--test")
        if tool in WITHOUT:
            check(status == 0, f"make test does without {tool}", text)
        else:
            source = "rustup.rs" if package == "rustup.rs" else f"apt-get install {package}"
            check(status == 1 and text.count("\n") == 1 and source in text
                  and f"missing: {' '.join(name for name in PACKAGES if name in lost)};" in text,
                  f"{tool} is missing", text)
        status, text = machine.needs(tool)
        check(status == 1 and f"missing: {tool};" in text, f"{tool} alone is looked for", text)
    status, text = Machine(work).needs("cc", "no-such-tool")
    check(status == 1 and text.endswith("apt-get install no-such-tool\n"), "another tool is missing", text)


def installing(work):
    machine = Machine(work, ["nm", "ar", "man", "chromium"])
    status, text = machine.needs("--install", brings="nm ar man chromium")
    check(status == 0 and machine.installed == [
        "apt-get update -q", "apt-get install -qy --no-install-recommends binutils man-db chromium"],
        "what is missing is installed at once", f"{text}{machine.installed}")
    check(machine.needs("--install") == (0, "") and machine.installed == [], "nothing is installed twice",
          machine.installed)

    machine = Machine(work, ["nm"], {"id": "echo 1000"})
    status, text = machine.needs("--install", brings="nm")
    check(status == 0 and len(machine.installed) == 2, "an ordinary user has sudo", text)
    for program, user in ("apt-get", "0"), ("sudo", "1000"):
        machine = Machine(work, ["nm", "man", program], {"id": f"echo {user}"})
        status, text = machine.needs("--install")
        check(status == 1 and f"no {program} here" in text and "apt-get install binutils man-db" in text
              and machine.installed == [], f"without {program} the packages are named", text)

    machine = Machine(work, ["nm", "man"])
    status, text = machine.needs("--install", brings="man")
    check(status == 1 and "missing: nm;" in text, "what is still missing is named", text)
    machine = Machine(work, ["danted"])
    status, text = machine.needs("--install", brings="danted")
    check(status == 0 and machine.installed[-1].endswith(" dante-server"), "what Debian has is installed", text)
    machine = Machine(work, ["danted"], {"apt-cache": "exit 100"})
    check(machine.needs("--install") == (0, "") and machine.installed == [],
          "what Debian has not is not missed", machine.installed)
    machine = Machine(work, ["cargo"])
    status, text = machine.needs("--install")
    check(status == 1 and "rustup.rs" in text and machine.installed == [], "Rust is no package", text)
    machine = Machine(work, ["nm"], {"apt-get": "exit 100"})
    check(machine.needs("--install")[0] != 0, "apt-get fails")


def scripts():
    """Each tool that a script names is in the table: nobody guesses its package."""
    named = {}
    for path in ROOT.glob("*/**/*.py"):
        if path.parts[len(ROOT.parts)] not in ("build", "target"):
            for call in re.findall(r"\bneed\((.*)\)", path.read_text()):
                named |= {tool: path for tool in re.findall(r'"([a-z][^"]+)"', call)}
    check("valgrind" in named, "scripts name tools", named)
    for tool, path in named.items():
        check(tool in PACKAGES, f"{path.name}: {tool} is in the table")


def main():
    with tempfile.TemporaryDirectory() as work:
        looking(work)
        installing(work)
    scripts()
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
