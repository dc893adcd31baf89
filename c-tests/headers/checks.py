"""What the checks of this directory share: counting, and running commands."""

import os
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(ROOT / "tools"))
from needs import need  # noqa: E402, F401
INCLUDE = ROOT / "include"
BUILD = ROOT / "build"
CC = shlex.split(os.environ.get("CC", "cc"))
CXX = shlex.split(os.environ.get("CXX", "c++"))

# Failures shown; one mistake in a header makes hundreds.
SHOWN = 20

passed = 0
failed = 0


def check(good, name, detail=""):
    """Counts a check; a failed one is shown."""
    global passed, failed
    if good:
        passed += 1
    else:
        failed += 1
        if failed <= SHOWN:
            print(f"FAIL {name}")
            for line in str(detail).splitlines()[:12]:
                print(f"     {line}")
    return good


def run(command, **options):
    """The finished process, with its output as text."""
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)


def output(command, **options):
    """What a command that must succeed prints."""
    done = run(command, **options)
    if done.returncode:
        sys.exit(f"{shlex.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout


def succeeds(name, command, **options):
    """Counts a command's success. Returns what it printed."""
    done = run(command, **options)
    check(done.returncode == 0, name,
          f"{shlex.join(map(str, command))}\nstatus {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def finish():
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or not passed else 0)
