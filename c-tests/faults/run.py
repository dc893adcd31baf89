#!/usr/bin/env python3
"""Drives libdill_ws on a host whose calls, and allocations, fail one by one, by itself and under valgrind.

    run.py [--libs DIR]     DIR holds the built libdill_ws.a (default: build/)
"""

import argparse
import os
import pathlib
import re
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from needs import need  # noqa: E402

CFLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-O1"]
SOURCES = [HERE / "faults.c", HERE / "host.c", HERE / "memory.c", HERE.parent / "harness" / "check.c"]
SYSTEM = ["-lgcc_s", "-lpthread", "-ldl", "-lm"]
# The allocations that memory.c may let fail.
WRAPPED = [f"-Wl,--wrap={name}" for name in ("malloc", "calloc", "realloc", "aligned_alloc", "posix_memalign")]
VALGRIND = ["valgrind", "-q", "--error-exitcode=99", "--leak-check=full"]


def build(libs):
    """Links the tests with libdill_ws alone: the host is ours, and nothing else is missing."""
    program = libs / "faults"
    compiler = shlex.split(os.environ.get("CC", "cc"))
    subprocess.run([*compiler, *CFLAGS, f"-I{ROOT / 'include'}", *SOURCES, libs / "libdill_ws.a",
                    *SYSTEM, *WRAPPED, "-o", program], check=True)
    return program


def run(name, command):
    """Runs the tests once; tells how many passed and failed."""
    done = subprocess.run(command, capture_output=True, text=True)
    print(f"{name}:\n{done.stdout}{done.stderr}", end="")
    counts = re.search(r"^(\d+) ok, (\d+) not ok, 0 na$", done.stdout, re.MULTILINE)
    if not counts:
        return 0, 1
    passed, failed = int(counts[1]), int(counts[2])
    return (passed, failed) if done.returncode == 0 else (passed, max(failed, 1))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libs", type=pathlib.Path, default=ROOT / "build")
    arguments = parser.parse_args()
    need("valgrind")
    program = build(arguments.libs)
    results = [run("alone", [program]), run("under valgrind", [*VALGRIND, program])]
    passed, failed = (sum(column) for column in zip(*results))
    print(f"{passed} passed, {failed} failed")
    sys.exit(failed > 0)


if __name__ == "__main__":
    main()
