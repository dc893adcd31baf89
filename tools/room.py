#!/usr/bin/env python3
"""Looks for what ends the process where there is no memory: Vec::push, Box::new, format! and the like, as
listed in room/clippy.toml. Tests are not looked at.

    room.py                 the crates in CRATES
    room.py --crate NAME    this one

Such a call may stand where the room for it was made before; a remark right above says so:

    // ROOM: reserved just before.

A remark without such a call under it is an error as well. What no list of calls can show, such as clone() and
into(), is found by tests that let every allocation fail (c-tests/faults, c-tests/runtime/core/rt_exhaustion.c).
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

from needs import need

ROOT = pathlib.Path(__file__).resolve().parent.parent
CONFIG = ROOT / "tools" / "room"
CONTROL = CONFIG / "control"
CRATES = {"dill_ws": "src", "dill_rt": "runtime/src"}
LINTS = ("clippy::disallowed_methods", "clippy::disallowed_macros")
REMARK = "// ROOM: "


def diagnostics(directory, arguments):
    """What clippy says about a crate, by file and line."""
    command = ["cargo", "clippy", "--quiet", "--message-format=json", *arguments, "--",
               *(word for lint in LINTS for word in ("--warn", lint))]
    done = subprocess.run(command, cwd=directory, env={**os.environ, "CLIPPY_CONF_DIR": str(CONFIG)},
                          stdout=subprocess.PIPE, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(command)} failed in {directory}")
    found = {}
    for line in done.stdout.splitlines():
        message = json.loads(line).get("message")
        if not message or "code" not in message:
            continue
        if "does not refer to" in message["message"]:
            sys.exit(f"{CONFIG / 'clippy.toml'}: {message['message']}")
        if message["code"] and message["code"]["code"] in LINTS:
            span = next(span for span in message["spans"] if span["is_primary"])
            place = (directory / span["file_name"]).resolve()
            found[place, span["line_start"]] = message["message"]
    return found


def is_remark_above(lines, number):
    """Does a remark stand in the comment above this line (counted from 1)?"""
    above = number - 2
    while above >= 0 and lines[above].lstrip().startswith("//"):
        if lines[above].lstrip().startswith(REMARK):
            return above + 1
        above -= 1
    return None


def complaints(directory, sources, arguments):
    """Calls without a remark, and remarks without a call: file, line, what."""
    found = diagnostics(directory, arguments)
    used = set()
    for (place, number), what in sorted(found.items()):
        if sources.resolve() not in place.parents:
            continue  # build.rs
        remark = is_remark_above(place.read_text().splitlines(), number)
        if remark is None:
            yield place, number, what
        else:
            used.add((place, remark))
    for place in sorted(sources.rglob("*.rs")):
        place = place.resolve()
        for number, line in enumerate(place.read_text().splitlines(), 1):
            if line.lstrip().startswith(REMARK) and (place, number) not in used:
                yield place, number, "no call that needs room"


def check_control():
    """Everything that the list names is found, and nothing else."""
    source = CONTROL / "src" / "lib.rs"
    want = {number for number, line in enumerate(source.read_text().splitlines(), 1)
            if re.search(r"\b(FOUND|UNUSED)$", line)}
    target = ROOT / "target" / "room-control"
    got = {number for _, number, _ in complaints(CONTROL, CONTROL / "src", ["--target-dir", str(target)])}
    if want != got:
        sys.exit(f"{source}: not found in lines {sorted(want - got)}, found in lines {sorted(got - want)}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crate", choices=list(CRATES), action="append")
    args = parser.parse_args()
    need("cargo", "cargo-clippy")
    check_control()
    count = 0
    for crate in args.crate or CRATES:
        sources = ROOT / CRATES[crate]
        for place, number, what in complaints(ROOT, sources, ["--package", crate, "--lib"]):
            print(f"{place.relative_to(ROOT)}:{number}: {what}")
            count += 1
    return 1 if count else 0


if __name__ == "__main__":
    sys.exit(main())
