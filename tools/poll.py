#!/usr/bin/env python3
"""Builds the runtime with poll(2) behind the boundary of its poller, instead of epoll(7), and runs the C
tests on it: what they find must not depend on the system's means of waiting.

    poll.py              everything
    poll.py --only WORD  only tests whose name contains the word
"""

import argparse
import os
import pathlib
import re
import shutil
import subprocess
import sys

from needs import die, need

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = ROOT / "build"
OUT = BUILD / "poll"


def run(command):
    """Output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], cwd=ROOT, text=True, stdout=subprocess.PIPE)
    if done.returncode:
        die(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def build():
    """In OUT, the runtime, and beside it what is built already."""
    directory = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "poll"
    run(["cargo", "build", "--quiet", "--locked", "--release", "--package", "dill_rt", "--features", "poll",
         "--target-dir", directory, "--config", 'profile.release.lto="off"',
         "--config", "profile.release.codegen-units=16"])
    OUT.mkdir(parents=True, exist_ok=True)
    for path in BUILD.glob("libdill_*"):
        if path.is_file():
            link = OUT / path.name
            link.unlink(missing_ok=True)
            link.symlink_to(path.resolve())
    runtime = OUT / "libdill_rt.so.0"
    runtime.unlink()
    shutil.copy(directory / "release" / "libdill_rt.so", runtime)
    link = OUT / "libdill_rt.so"
    link.unlink()
    link.symlink_to(runtime.name)


def check_libraries():
    """One waits with epoll, and the other does not."""
    for library, wanted in [(BUILD / "libdill_rt.so", True), (OUT / "libdill_rt.so", False)]:
        found = re.search(r"\bepoll_wait\b", run(["nm", "--dynamic", library])) is not None
        if found != wanted:
            die(f"{library}: epoll_wait is {'' if found else 'not '}there")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", metavar="WORD")
    args = parser.parse_args()
    need("cargo", "nm")
    if not (BUILD / "libdill_rt.so").exists():
        die("the libraries are not there; build them first (make)")
    build()
    check_libraries()
    command = [sys.executable, "c-tests/run.py", "--libs", OUT, "--modes", "shared"]
    return subprocess.run(command + (["--only", args.only] if args.only else []), cwd=ROOT,
                          env=dict(os.environ, CHECK_UNDER="poll")).returncode


if __name__ == "__main__":
    sys.exit(main())
