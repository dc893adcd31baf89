#!/usr/bin/env python3
"""Builds both libraries with AddressSanitizer and the C tests with AddressSanitizer and
UndefinedBehaviorSanitizer, shows with deliberate mistakes that these are found, and runs the tests.

    sanitize.py              everything
    sanitize.py --controls   only the deliberate mistakes
    sanitize.py --only WORD  only tests whose name contains the word

gcc's run-time library serves the C programs and the Rust libraries. The sanitizer is an unstable
option of rustc, which RUSTC_BOOTSTRAP opens on a stable compiler; the results are not for use. The
standard library comes compiled, so only what is generic or inlined in it is checked.
"""

import argparse
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys

from needs import die, need

ROOT = pathlib.Path(__file__).resolve().parent.parent
OUT = ROOT / "build" / "sanitize"
LIBRARIES = ["libdill_ws", "libdill_rt"]

RUSTFLAGS = ["-Zsanitizer=address",
             # gcc's run-time library instead of rustc's own.
             "-Zexternal-clangrt", "-Clink-arg=-lasan",
             # The runtime tells AddressSanitizer which stacks are used anew.
             "--cfg", "asan",
             # For AddressSanitizer's quick backtraces.
             "-Cforce-frame-pointers=yes"]
CFLAGS = ["-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-fno-omit-frame-pointer",
          # go() moves the stack pointer with alloca, in the branch of the child. The parent goes on
          # in the other branch and would never lift the marks around the allocation.
          "--param", "asan-instrument-allocas=0"]
ENVIRONMENT = {
    "ASAN_OPTIONS": ":".join([
        # The status that run.py takes for a find.
        "detect_leaks=1", "exitcode=99",
        # This would move variables from the coroutines' stacks to the heap.
        "detect_stack_use_after_return=0",
        # The tests of guard pages have signal handlers of their own.
        "handle_segv=0", "use_sigaltstack=0"]),
    "UBSAN_OPTIONS": "print_stacktrace=1",
}
# How much slower programs may be.
SLOWDOWN = "2"
# Programs that replace malloc, as AddressSanitizer does.
SKIPPED = ["allocations", "rt_exhaustion", "rt_memory"]

# Each deliberate mistake, and what the report must say.
MISTAKES = [
    ("heap", r"heap-buffer-overflow.*\bin heap\b"),
    ("overflow", r"signed integer overflow"),
    ("leak", r"LeakSanitizer: detected memory leaks.*\bin leak\b"),
    ("coroutine", r"stack-buffer-(over|under)flow.*\bin beyond_a_local\b"),
    ("key", r"heap-buffer-overflow.*\bin dill_ws_response_key\b"),
    ("status", r"heap-buffer-overflow.*\bin dill_ws_status\b"),
    ("pointer", r"heap-buffer-overflow.*\bin dill_ipc_pair\b"),
]


def run(command, **more):
    """Output of a command that must succeed."""
    done = subprocess.run([str(word) for word in command], cwd=ROOT, text=True,
                          stdout=subprocess.PIPE, **more)
    if done.returncode:
        die(f"{shlex.join(map(str, command))}: status {done.returncode}\n{done.stdout}")
    return done.stdout


def build_libraries():
    """Both libraries under their run-time names, in OUT."""
    target = re.search(r"^host: (.*)$", run(["rustc", "-vV"]), re.M)[1]
    directory = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "sanitize"
    env = dict(os.environ, RUSTC_BOOTSTRAP="1", CC="gcc",
               RUSTFLAGS=" ".join([os.environ.get("RUSTFLAGS", ""), *RUSTFLAGS]))
    # A target that is named keeps the flags from build scripts. A debug build checks for overflow,
    # and the standard library's conditions on unsafe functions.
    run(["cargo", "build", "--quiet", "--workspace", "--target", target, "--target-dir", directory,
         "--config", "profile.dev.opt-level=1"], env=env)
    OUT.mkdir(parents=True, exist_ok=True)
    for name in LIBRARIES:
        built = directory / target / "debug" / name
        shutil.copy(f"{built}.so", OUT / f"{name}.so.0")
        link = OUT / f"{name}.so"
        link.unlink(missing_ok=True)
        link.symlink_to(f"{name}.so.0")
        run(["tools/pack-static.sh", f"{built}.a", OUT / f"{name}.a", f"symbols/{name}.txt"])


class Controls:
    """Counts what must be as it is."""

    def __init__(self):
        self.passed = self.failed = 0

    def check(self, name, good, detail=""):
        if good:
            self.passed += 1
        else:
            self.failed += 1
            print(f"FAIL control: {name}\n{detail}", flush=True)

    def mentions(self, path, prefix):
        return prefix in run(["nm", path])

    def symbols(self):
        """The sanitizer is where it should be, and nowhere else."""
        for name in LIBRARIES:
            for suffix in ["so", "a"]:
                library = f"{name}.{suffix}"
                self.check(f"{library} with AddressSanitizer", self.mentions(OUT / library, "__asan_"))
                self.check(f"{library} without", not self.mentions(ROOT / "build" / library, "__asan_"))

    def program(self, name, libraries):
        """The program with the mistakes, on the given libraries."""
        program = OUT / name
        run(["gcc", "-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", *CFLAGS,
             "-Iinclude", "c-tests/sanitizers/control.c", f"-L{libraries}", f"-Wl,-rpath,{libraries}",
             "-ldill_ws", "-ldill_rt", "-o", program])
        return program

    def ends(self, program, mistake):
        done = subprocess.run([program, mistake], env=environment(), text=True, errors="replace",
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=120)
        return done.returncode, done.stdout

    def mistakes(self):
        program = self.program("control", OUT)
        for prefix in ["__asan_", "__ubsan_"]:
            self.check(f"programs with {prefix}", self.mentions(program, prefix))
        for mistake, report in MISTAKES:
            status, text = self.ends(program, mistake)
            found = status != 0 and re.search(report, text, re.S)
            self.check(f"{mistake} is found", found, text)
        status, text = self.ends(program, "none")
        self.check("where there is no mistake, none is found", status == 0 and "ERROR" not in text, text)

    def libraries_without(self):
        """It is the library's own code that is checked: without it the mistake goes unseen."""
        program = self.program("control-plain", ROOT / "build")
        status, text = self.ends(program, "key")
        self.check("without the libraries' part, their mistakes are not found",
                   status == 0 and "undetected" in text, text)


def environment():
    return dict(os.environ, **ENVIRONMENT)


def run_controls():
    controls = Controls()
    controls.symbols()
    controls.mistakes()
    controls.libraries_without()
    print(f"{controls.passed} passed, {controls.failed} failed (controls)", flush=True)
    return controls.failed == 0


def run_tests(only):
    env = dict(environment(), CC="gcc", CFLAGS=" ".join(CFLAGS), CHECK_UNDER="sanitizers",
               CHECK_SLOWDOWN=SLOWDOWN)
    command = [sys.executable, "c-tests/run.py", "--libs", OUT, "--modes", "shared",
               "--skip", ",".join(SKIPPED)]
    if only:
        command += ["--only", only]
    return subprocess.run(command, cwd=ROOT, env=env).returncode == 0


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--controls", action="store_true")
    parser.add_argument("--only", metavar="WORD")
    args = parser.parse_args()
    need("cargo", "gcc", "libasan", "nm")
    if not (ROOT / "build" / "libdill_rt.so").exists():
        die("the libraries without sanitizers are not there; build them first (make)")
    build_libraries()
    good = run_controls()
    if not args.controls:
        good = run_tests(args.only) and good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
