#!/usr/bin/env python3
"""Builds the C tests once, links them in every way a program can meet the
libraries, runs them and counts.

    run.py                      shared, static and preloaded, on the bundled runtime
    run.py --libdill PREFIX     the same objects on an installed libdill as well
    run.py --valgrind           under valgrind, with controls that must be caught
    run.py --compiler "clang -O2"  compiled so, instead of by CC
    run.py --only s4            programs (or tests) whose name contains "s4"

The built libraries are taken from --libs: libdill_ws and libdill_rt, .so and
.a. CC and CFLAGS are honoured.
"""

import argparse
import concurrent.futures
import os
import pathlib
import re
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "tools"))
from needs import die, need  # noqa: E402

# What the tests stand on, and the programs themselves.
HARNESS = HERE / "harness"
PROGRAMS = [HERE / "ws", HERE / "runtime"]
# What every program is linked with.
SUPPORT = ["check", "wire", "conn", "tap", "http", "flate", "certificates"]
# What a program that tests the runtime alone may use.
RT_SUPPORT = ["check", "wire", "rt", "tool", "certificates"]
# Sources that are linked by a rule of their own.
SPECIAL = ["decoy", "own_names", "valgrind_control"]
# A program with deliberate mistakes behind its last test.
CONTROL = "late_control"
# The header of the functions that no libdill has.
EXTENDED = "<libdill_wsx.h>"
# Programs that replace malloc or system calls: valgrind does the same.
INTERPOSING = ["allocations", "rt_exhaustion", "rt_memory", "rt_syscalls", "syscalls"]

CFLAGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-g", "-O1"]
STATIC_SYSTEM = ["-lpthread", "-ldl", "-lm", "-lrt", "-lgcc_s"]
# The status by which valgrind and the sanitizers say that they have found something.
FOUND = 99
VALGRIND = ["valgrind", "-q", f"--error-exitcode={FOUND}", "--leak-check=full",
            f"--suppressions={HARNESS / 'valgrind.supp'}",
            "--show-leak-kinds=definite,indirect",
            "--errors-for-leak-kinds=definite,indirect",
            "--child-silent-after-fork=yes"]
VALGRIND_SLOWDOWN = 10
PROGRAM_SECONDS = 900


def sources():
    """All sources by name. No two of them share one, whatever their folders."""
    found = {}
    for path in [*HARNESS.glob("*.c"), *(path for folder in PROGRAMS for path in sorted(folder.rglob("*.c")))]:
        if path.stem in found:
            die(f"{path} and {found[path.stem]} have the same name")
        found[path.stem] = path
    for path in HERE.glob("*.c"):
        die(f"{path} would not be run: programs are in {', '.join(str(folder) for folder in PROGRAMS)}")
    return found


SOURCES = sources()


class Mode:
    """One way to put a program, the WebSocket functions and a host together."""

    def __init__(self, name, args, *, link, env=None, ws, host, transports=("ipc",)):
        self.name = name
        self.link = link            # arguments behind the objects
        self.env = env or {}
        self.ws = ws                # file names that must answer; None: the program
        self.host = host
        self.transports = transports
        self.dir = args.out / name


def library(args, name):
    path = args.libs / name
    if not path.exists():
        die(f"{path} is not there; build it first (make)")
    return path


def modes(args):
    """All modes that the arguments allow, by name."""
    libs = args.libs.resolve()
    rpath = f"-Wl,-rpath,{libs}"
    ws_so = "libdill_ws.so.0"
    # By name: the loader would take a space in a path for the end of it.
    preload = {"LD_PRELOAD": ws_so, "LD_LIBRARY_PATH": str(libs)}
    found = [
        Mode("shared", args, ws=ws_so, host="libdill_rt.so.0", transports=("ipc", "tcp"),
             link=[f"-L{libs}", rpath, "-ldill_ws", "-ldill_rt"]),
        Mode("static", args, ws=None, host=None,
             link=[str(libs / "libdill_ws.a"), str(libs / "libdill_rt.a"),
                   "-Wl,--export-dynamic", *STATIC_SYSTEM]),
        Mode("preload", args, ws=ws_so, host="libdill_rt.so.0", env=preload,
             link=[f"-L{args.out}", f"-Wl,-rpath,{args.out.resolve()}", "-ldecoy",
                   f"-L{libs}", rpath, "-ldill_rt"]),
    ]
    if args.libdill:
        theirs = args.libdill.resolve() / "lib"
        host = [f"-L{theirs}", f"-Wl,-rpath,{theirs}", "-ldill"]
        found += [
            Mode("libdill", args, ws=ws_so, host="libdill.so", transports=("ipc", "tcp"),
                 link=[f"-L{libs}", rpath, "-ldill_ws", *host]),
            Mode("libdill-preload", args, ws=ws_so, host="libdill.so", env=preload,
                 link=host),
        ]
    return {mode.name: mode for mode in found}


class Build:
    """Compiles each source once and links it in any mode."""

    def __init__(self, args):
        self.args = args
        # Its flags come last: they win.
        self.cc, flags = shlex.split(args.compiler)[:1], shlex.split(args.compiler)[1:]
        self.cflags = CFLAGS + shlex.split(os.environ.get("CFLAGS", "")) + flags
        need(self.cc[0])
        need("openssl")  # harness/certificates.sh
        args.out.mkdir(parents=True, exist_ok=True)

    def run(self, command):
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode:
            die(f"{' '.join(map(str, command))}\n{done.stderr}")

    def object(self, name):
        target = self.args.out / f"{name}.o"
        source = SOURCES[name]
        inputs = [source, *HARNESS.glob("*.h"), *self.args.include.glob("*.h"), pathlib.Path(__file__)]
        newest = max(path.stat().st_mtime for path in inputs)
        if not target.exists() or target.stat().st_mtime < newest:
            self.run([*self.cc, *self.cflags, "-fPIC", f"-I{self.args.include}", f"-I{HARNESS}",
                      "-c", source, "-o", target])
        return target

    def objects(self, names):
        with concurrent.futures.ThreadPoolExecutor(self.args.jobs) as pool:
            return list(pool.map(self.object, names))

    def decoy(self):
        self.run([*self.cc, *self.cflags, "-fPIC", "-shared", "-Wl,-soname,libdecoy.so",
                  SOURCES["decoy"], "-o", self.args.out / "libdecoy.so"])

    def link(self, mode, name, objects):
        mode.dir.mkdir(parents=True, exist_ok=True)
        target = mode.dir / name
        self.run([*self.cc, *self.cflags, *objects, *mode.link, "-pthread", "-o", target])
        return target

    def program(self, mode, name):
        support = RT_SUPPORT if name.startswith("rt_") else SUPPORT
        if name in SPECIAL:
            return self.link(mode, name, [self.object(name)])
        if name.startswith("rt_"):
            # A runtime test may bring its own main; then the harness stays out.
            archive = self.args.out / "librtcheck.a"
            return self.link(mode, name, [self.object(name), archive])
        return self.link(mode, name, [self.object(n) for n in [name, *support]])

    def archive(self):
        need("ar")
        target = self.args.out / "librtcheck.a"
        target.unlink(missing_ok=True)
        self.run(["ar", "rcs", target, *self.objects(RT_SUPPORT)])


class Results:
    """What the programs reported."""

    def __init__(self):
        self.passed = 0
        self.na = {}
        self.failures = []

    def take(self, where, name, verdict, detail, lines=()):
        if verdict == "ok":
            self.passed += 1
        elif verdict == "na":
            self.na.setdefault(f"{name}: {detail}", []).append(where)
        else:
            self.failures.append((where, name, detail))
            self.show(f"FAIL {where} {name}: {detail}", lines)

    def show(self, failure, lines):
        print("\n     ".join([failure, *lines]), flush=True)


class Unseen(Results):
    """What a control reported; its failures are none."""

    def show(self, failure, lines):
        pass


# No process ends with this status.
NEVER = 256
LINE = re.compile(r"(ok|not ok|na) (\S+?)(?:: (.*))?$")


class Report:
    """The output of one program, which may need several processes."""

    def __init__(self):
        self.verdicts = {}          # test: (verdict, detail, lines)
        self.complete = False
        self.status = NEVER       # with which a process that has said this must end

    def read(self, text):
        remarks = []
        self.complete = False
        self.status = NEVER
        for line in text.splitlines():
            match = LINE.match(line)
            if match:
                verdict, name, detail = match.groups()
                self.verdicts[name] = (verdict, detail or "", remarks)
                # What follows if the test was killed, see check.c.
                self.status = 2 if verdict == "not ok" else NEVER
                remarks = []
            elif match := re.match(r"\d+ ok, (\d+) not ok, \d+ na$", line):
                self.complete = True
                self.status = 1 if int(match[1]) else 0
            else:
                remarks.append(line)
        return remarks

    def last(self):
        return next(reversed(self.verdicts), None)


def execute(command, env, seconds):
    """Exit status and output; the status is None after a timeout."""
    try:
        done = subprocess.run(command, env=env, capture_output=True, text=True,
                              errors="replace", timeout=seconds)
        return done.returncode, done.stdout, done.stderr
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b"").decode(errors="replace")
        return None, text, f"not finished after {seconds} s"


def environment(args, mode, program, transport):
    env = dict(os.environ, WS_TESTS_TRANSPORT=transport, **mode.env)
    env["WS_TESTS_EXPECT_WS"] = mode.ws or program.name
    env["WS_TESTS_EXPECT_HOST"] = mode.host or program.name
    if args.valgrind:
        env.update(CHECK_UNDER="valgrind", CHECK_SLOWDOWN=str(VALGRIND_SLOWDOWN))
    return env


def run_program(args, mode, program, transport, results):
    """Runs all tests of a program; behind a crash, goes on with the next one."""
    where = f"{mode.name}/{transport} {program.name}"
    env = environment(args, mode, program, transport)
    prefix = VALGRIND if args.valgrind else []
    seconds = PROGRAM_SECONDS * (VALGRIND_SLOWDOWN if args.valgrind else 1)
    listed = execute([program, "--list"], env, 60)[1].split()
    arguments = []
    if args.only and args.only not in program.name:
        listed = [name for name in listed if args.only in name]
        arguments = listed
        if not listed:
            return
    report = Report()
    while True:
        status, out, err = execute([*prefix, program, *arguments], env, seconds)
        remarks = report.read(out)
        if status == FOUND:
            results.take(where, "memory", "not ok", "errors found", err.splitlines()[:60])
        elif status != report.status:
            results.take(where, "program", "not ok", f"ends with status {status}",
                         remarks + err.splitlines()[-20:])
        if report.complete or report.status == NEVER:
            break
        if "--after" not in arguments and arguments:
            arguments = arguments[arguments.index(report.last()) + 1:]
            if not arguments:
                break
        else:
            arguments = ["--after", report.last()]
    for name, (verdict, detail, lines) in report.verdicts.items():
        results.take(where, name, verdict, detail, lines)
    for name in listed:
        if name not in report.verdicts:
            results.take(where, name, "not ok", "did not run")


def run_plain(args, mode, program, results):
    """A program with a main of its own: its exit status is the result."""
    env = environment(args, mode, program, "ipc")
    prefix = VALGRIND if args.valgrind else []
    status, out, err = execute([*prefix, program], env, PROGRAM_SECONDS)
    results.take(mode.name, program.name, "ok" if status == 0 else "not ok",
                 f"ends with status {status}", (out + err).splitlines()[-30:])


def check_decoy(args, mode, program, results):
    """Without the preload the decoy must answer, or the mode proves nothing."""
    env = {k: v for k, v in environment(args, mode, program, "ipc").items() if k != "LD_PRELOAD"}
    status, out, err = execute([program, "s1_websocket_functions_come_from_libdill_ws"], env, 60)
    caught = status == 1 and "libdecoy.so" in out
    results.take(mode.name, "control: without LD_PRELOAD the decoy answers",
                 "ok" if caught else "not ok", f"status {status}", (out + err).splitlines())


def valgrind_controls(args, build, mode, results):
    """What valgrind must find, and what it must not, for the run to mean anything."""
    program = build.program(mode, "valgrind_control")
    for name, want in [("leak", "definitely lost"), ("freed", "Invalid read"),
                       ("uninitialised", "uninitialised value"), ("stacks", None)]:
        status, _, err = execute([*VALGRIND, program, name], dict(os.environ), 120)
        if want:
            good = status == FOUND and want in err
        else:
            good = status == 0 and "client switching stacks" not in err
        results.take(mode.name, f"control: {name}", "ok" if good else "not ok",
                     f"status {status}, want {want or 'no complaint'}", err.splitlines()[:40])


def late_controls(args, build, mode, results):
    """What goes wrong behind a program's last test is a failure."""
    program = build.program(mode, CONTROL)
    wants = {"late_none": [], "late_exit": ["ends with status 5"]}
    if environment(args, mode, program, "ipc").get("CHECK_UNDER") in ("valgrind", "sanitizers"):
        wants["late_leak"] = ["errors found"]
    for name, want in wants.items():
        seen = Unseen()
        run_program(argparse.Namespace(**{**vars(args), "only": name}), mode, program, "ipc", seen)
        got = [detail for _, _, detail in seen.failures]
        results.take(mode.name, f"control: {name}", "ok" if seen.passed == 1 and got == want else "not ok",
                     f"{seen.passed} passed, failures {got}, want {want}")


def programs(args):
    names = [name for name, path in SOURCES.items() if path.parent != HARNESS and name not in SPECIAL]
    skipped = args.skip.split(",") + (INTERPOSING if args.valgrind else [])
    return [name for name in names if name not in skipped]


def is_harnessed(name):
    return not re.search(r"^int main\(", SOURCES[name].read_text(), re.M)


def chosen(args, name):
    """Does --only name the program, or can it name one of its tests?"""
    if not args.only or args.only in name:
        return True
    return args.only in SOURCES[name].read_text()


def run_mode(args, build, mode, results):
    names = [n for n in programs(args) if chosen(args, n)]
    if mode.name not in ("shared", "static"):
        names = [n for n in names if not n.startswith("rt_")]
    if mode.env.get("LD_PRELOAD"):
        # What is preloaded takes the place of functions that libdill has too.
        names = [n for n in names if EXTENDED not in SOURCES[n].read_text()]
    jobs = []
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name, program in zip(names, pool.map(lambda n: build.program(mode, n), names)):
            if not is_harnessed(name):
                jobs.append(pool.submit(run_plain, args, mode, program, results))
                continue
            for transport in mode.transports:
                if not name.startswith("rt_") or transport == "ipc":
                    jobs.append(pool.submit(run_program, args, mode, program, transport, results))
        for job in jobs:
            job.result()
    if args.only:
        return
    late_controls(args, build, mode, results)
    if mode.name == "preload":
        check_decoy(args, mode, mode.dir / "s1_symbols", results)
    elif mode.name in ("shared", "static"):
        run_plain(args, mode, build.program(mode, "own_names"), results)


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libs", type=pathlib.Path, default=ROOT / "build",
                        help="directory with the built libraries (default: build/)")
    parser.add_argument("--include", type=pathlib.Path, default=ROOT / "include",
                        help="directory with the headers (default: include/)")
    parser.add_argument("--out", type=pathlib.Path, help="default: c-tests/ in --libs")
    parser.add_argument("--libdill", type=pathlib.Path, metavar="PREFIX",
                        help="an installed libdill to run on as well")
    parser.add_argument("--compiler", default=os.environ.get("CC", "cc"), help="with its own flags")
    parser.add_argument("--modes", help="only these, e.g. shared,static")
    parser.add_argument("--only", help="only programs or tests whose name contains this")
    parser.add_argument("--skip", default="", help="without these programs, e.g. allocations,syscalls")
    parser.add_argument("--valgrind", action="store_true")
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    by = "".join(args.compiler.split()) if args.compiler != parser.get_default("compiler") else ""
    args.out = (args.out or args.libs / f"c-tests{by and '-'}{by}").absolute()
    return args


def select(args):
    found = modes(args)
    wanted = args.modes.split(",") if args.modes else list(found)
    if args.valgrind and not args.modes:
        wanted = ["shared"]
    for name in wanted:
        if name not in found:
            die(f"no mode {name}; there are {', '.join(found)}")
    return [found[name] for name in wanted]


def main():
    args = parse_arguments()
    for name in ("libdill_ws.so.0", "libdill_rt.so.0", "libdill_ws.a", "libdill_rt.a"):
        library(args, name)
    if args.valgrind:
        need("valgrind")
    build = Build(args)
    results = Results()
    build.decoy()
    build.objects([*SUPPORT, *SPECIAL[1:], *programs(args)])
    build.archive()
    for mode in select(args):
        before = results.passed, len(results.failures)
        if args.valgrind:
            mode.transports = ("ipc",)
            valgrind_controls(args, build, mode, results)
        run_mode(args, build, mode, results)
        print(f"{mode.name}: {results.passed - before[0]} passed, "
              f"{len(results.failures) - before[1]} failed", flush=True)
    for reason, places in sorted(results.na.items()):
        print(f"not applicable ({len(places)} times) {reason}")
    print(f"{results.passed} passed, {len(results.failures)} failed")
    return 1 if results.failures or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
