#!/usr/bin/env python3
"""The steps of `make test`, one after another. The last line counts the tests; a step that fails does
not stop the others.

    test.py                   all steps
    test.py --only WORD       only steps whose name contains the word
    test.py --list            the names of the steps
    test.py --libdill PREFIX  also on an installed libdill (or LIBDILL=PREFIX in the environment)
"""

import argparse
import os
import pathlib
import re
import subprocess
import sys
import time

from needs import need

ROOT = pathlib.Path(__file__).resolve().parent.parent

COUNTS = [
    re.compile(r"^(\d+) passed, (\d+) failed\b"),
    re.compile(r"^test result: \w+\. (\d+) passed; (\d+) failed\b"),
]


def steps(libdill):
    """Name and command of each step. A step without counts in its output counts as one test."""
    own = [
        ("format", ["cargo", "fmt", "--check"]),
        ("lints", ["cargo", "clippy", "--quiet", "--workspace", "--all-targets", "--", "-D", "warnings"]),
        ("no lint is switched off", ["tools/no-allow.sh"]),
        ("no shortage of memory aborts", ["tools/room.py"]),
        ("licences", ["tools/third_party.py", "--check"]),
        ("missing tools", ["tools/needs_test.py"]),
        ("rust", ["cargo", "test", "--quiet", "--workspace"]),
        ("build", ["make", "--silent", "all"]),
        ("builds elsewhere", ["tools/reproducible.sh"]),
        ("symbols", ["c-tests/headers/symbols.py"]),
        ("headers", ["c-tests/headers/headers.py"]),
        ("installation", ["c-tests/headers/install.py"]),
        ("build systems", ["c-tests/headers/build_systems.py"]),
        ("installation as libdill", ["c-tests/headers/compat.py"]),
        ("manual pages", ["man/pages.py", "--check"]),
        ("examples of the manual pages", ["c-tests/examples/run.py"]),
        ("programs of the examples", ["c-tests/examples/programs.py"]),
        ("c", ["c-tests/run.py"]),
        ("c by clang -O2", ["c-tests/run.py", "--compiler", "clang -O2", "--modes", "shared"]),
        ("c by gcc -O3", ["c-tests/run.py", "--compiler", "gcc -O3", "--modes", "shared"]),
        ("compilers", ["c-tests/compilers/run.py"]),
        ("c under valgrind", ["c-tests/run.py", "--valgrind"]),
        ("c under sanitizers", ["tools/sanitize.py"]),
        ("c on poll(2)", ["tools/poll.py"]),
        ("failing hosts", ["c-tests/faults/run.py"]),
        ("demo", ["tools/demo.sh"]),
        ("other implementations", ["c-tests/peers/run.py"]),
        ("compression with other implementations", ["c-tests/peers/deflate.py"]),
        ("random streams", ["c-tests/peers/differential/run.py"]),
        ("other implementations over TLS", ["c-tests/peers/tls.py"]),
        ("socks5 with other implementations", ["c-tests/peers/socks5.py"]),
        ("autobahn", ["c-tests/autobahn/run.py"]),
    ]
    theirs = [
        ("headers with libdill's", ["c-tests/headers/headers.py", "--libdill", libdill]),
        ("installation with libdill", ["c-tests/headers/install.py", "--libdill", libdill]),
        ("build systems with libdill", ["c-tests/headers/build_systems.py", "--libdill", libdill]),
        ("installation instead of libdill", ["c-tests/headers/compat.py", "--libdill", libdill]),
        ("c on libdill", ["c-tests/run.py", "--libdill", libdill, "--modes", "libdill,libdill-preload"]),
        ("other implementations on libdill", ["c-tests/peers/run.py", "--libdill", libdill]),
        ("compression with other implementations on libdill", ["c-tests/peers/deflate.py", "--libdill", libdill]),
        ("random streams on libdill", ["c-tests/peers/differential/run.py", "--libdill", libdill]),
        ("autobahn on libdill", ["c-tests/autobahn/run.py", "--libdill", libdill]),
    ]
    return own + (theirs if libdill else [])


def counted(output):
    """The sums of all counts at the ends of the programs' reports."""
    passed = failed = 0
    for line in output.splitlines():
        for pattern in COUNTS:
            match = pattern.match(line)
            if match:
                passed += int(match[1])
                failed += int(match[2])
    return passed, failed


def interpreted(command):
    """Python programs run with this Python."""
    return [sys.executable, *command] if command[0].endswith(".py") else command


def run_step(command):
    """Status and output, which is shown as it comes."""
    process = subprocess.Popen(interpreted(command), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                               text=True, errors="replace")
    lines = []
    for line in process.stdout:
        lines.append(line)
        print(f"    {line}", end="", flush=True)
    return process.wait(), "".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD", default="")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--libdill", metavar="PREFIX", default=os.environ.get("LIBDILL"))
    args = parser.parse_args()
    chosen = [(name, command) for name, command in steps(args.libdill) if args.only in name]
    if args.list:
        print("\n".join(name for name, _ in chosen))
        return 0
    need("--test")
    passed = failed = 0
    broken = []
    for name, command in chosen:
        print(f"== {name}: {' '.join(command)}", flush=True)
        started = time.monotonic()
        status, output = run_step(command)
        good, bad = counted(output)
        if good + bad == 0:
            good = int(status == 0)
        if status != 0 and bad == 0:
            bad = 1
        if bad:
            broken.append(name)
        passed, failed = passed + good, failed + bad
        print(f"   {good} passed, {bad} failed ({time.monotonic() - started:.0f} s)", flush=True)
    if broken:
        print("failed: " + ", ".join(broken))
    print(f"{passed} passed, {failed} failed")
    return 1 if failed or not passed else 0


if __name__ == "__main__":
    sys.exit(main())
