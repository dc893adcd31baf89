#!/usr/bin/env python3
"""Coroutines and their parents share variables, which compilers do not expect: compiles programs that do so
with each compiler at each level of optimisation, and runs them.

    run.py               cc, c++, clang and clang++
    run.py gcc-13 g++-13 these compilers
"""

import itertools
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "headers"))
from checks import BUILD, CC, CXX, INCLUDE, check, finish, need, run  # noqa: E402

LEVELS = ["-O0", "-O1", "-O2", "-O3", "-Os"]
C = [("results.c", f"-std={std}") for std in ("c99", "gnu11", "gnu17")]
CPP = [("results.c", "-std=c++98"), ("results.c", "-std=gnu++17"),
       *itertools.product(("classes.cpp", "closures.cpp", "threads.cpp"), ("-std=c++11", "-std=c++17", "-std=gnu++20"))]


def programs(compiler):
    return CPP if "++" in compiler[0] else C


def compile_and_run(compiler, source, standard, level, program):
    language = ["-xc++"] if "++" in compiler[0] else ["-xc"]
    name = " ".join([*compiler, standard, level, source])
    done = run([*compiler, standard, level, "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", f"-I{INCLUDE}",
                *language, HERE / source, "-o", program, f"-L{BUILD}", f"-Wl,-rpath,{BUILD}",
                "-ldill_ws", "-ldill_rt"])
    if done.returncode == 0:
        done = run([program], timeout=60)
    check(done.returncode == 0, name, done.stdout + done.stderr)


def notices_what_is_lost(work):
    """The program finds out where a compiler goes wrong: with libdill's own definition of a coroutine."""
    text = (HERE / "results.c").read_text()
    marked = '#include <libdill.h>\n#undef coroutine\n#define coroutine __attribute__((noinline))\n'
    (work / "lost.c").write_text(text.replace("#include <libdill.h>\n", marked))
    done = run(["clang", "-O2", "-D_GNU_SOURCE", f"-I{INCLUDE}", work / "lost.c", "-o", work / "lost",
                f"-L{BUILD}", f"-Wl,-rpath,{BUILD}", "-ldill_ws", "-ldill_rt"])
    if done.returncode == 0:
        done = run([work / "lost"], timeout=60)
    check(done.returncode == 1 and "want 6" in done.stdout, "control: a lost result is noticed",
          done.stdout + done.stderr)


def takes(compiler, word):
    """Does the compiler take the arguments in closures.cpp that stand under this word?"""
    done = run([*compiler, "-std=c++17", f"-D{word}", "-fsyntax-only", f"-I{INCLUDE}", HERE / "closures.cpp"])
    return done.returncode == 0, done.stderr


def limits_of_closures(compiler):
    """What go(3) says that its arguments cannot name."""
    good, why = takes(compiler, "UNION")
    check(not good and "captur" in why, f"{compiler[0]}: no members of an anonymous union", why)
    version = run([*compiler, "-dM", "-E", "-xc++", "/dev/null"]).stdout
    clang = re.search(r"__clang_major__ (\d+)", version)
    can = not clang or int(clang.group(1)) >= 16
    good, why = takes(compiler, "BINDING")
    check(good == can and (can or "local binding" in why), f"{compiler[0]}: structured bindings", why)


def main():
    compilers = [[name] for name in sys.argv[1:]] or [CC, CXX, ["clang"], ["clang++"]]
    need(*(compiler[0] for compiler in compilers))
    with tempfile.TemporaryDirectory() as directory:
        work = pathlib.Path(directory)
        for compiler in compilers:
            for (source, standard), level in itertools.product(programs(compiler), LEVELS):
                compile_and_run(compiler, source, standard, level, work / "program")
            if "++" in compiler[0]:
                limits_of_closures(compiler)
        if not sys.argv[1:]:
            notices_what_is_lost(work)
    finish()


if __name__ == "__main__":
    main()
