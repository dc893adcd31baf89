#!/usr/bin/env python3
"""Installs both libraries as libdill, and builds and runs programs that know libdill only.

    compat.py                   programs that were built before were linked with a stand-in for libdill
    compat.py --libdill PREFIX  with an installed libdill instead of the stand-in
"""

import argparse
import pathlib
import re
import sys
import tempfile

import stand_in
from checks import CC, CXX, HERE, ROOT, check, finish, need, output, run, succeeds
from install import Prefix, files, linkers, make

FILES = ["include/libdill.h", "include/libdillimpl.h", "lib/libdill.a", "lib/libdill.so", "lib/libdill.so.20",
         "lib/pkgconfig/libdill.pc"]
MULTIARCH = ["lib/x86_64-linux-gnu/libdill.so", "lib/aarch64-linux-gnu/libdill.so.20"]
AS_LIBDILL = {"header": "libdill_rt", "ws": "libdill.so.20", "host": "libdill.so.20", "go": "libdill.so.20"}

CMAKE = """
cmake_minimum_required(VERSION 3.13)
project(app C)
find_path(DILL_INCLUDE libdill.h)
find_library(DILL dill)
if(NOT DILL_INCLUDE OR NOT DILL)
    message(FATAL_ERROR "no libdill: ${DILL_INCLUDE} ${DILL}")
endif()
add_executable(program "%s")
target_include_directories(program PRIVATE ${DILL_INCLUDE})
target_link_libraries(program ${DILL} dl)
"""

LOAD = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
for name in sys.argv[2:]:
    getattr(library, name)
out = ctypes.create_string_buffer(32)
assert library.dill_ws_response_key(b"dGhlIHNhbXBsZSBub25jZQ==", out) == 0
assert out.value == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", out.value
s = (ctypes.c_int * 2)()
assert library.dill_ipc_pair(s) == 0
"""


def symbols():
    text = "".join((ROOT / f"symbols/{name}.txt").read_text() for name in ("libdill_ws", "libdill_rt"))
    return [name for name in text.split() if name.startswith("dill_")]


class Compat(Prefix):
    """An installation where compilers and loaders look without being told, as in /usr/local."""

    def __init__(self, directory):
        super().__init__(directory)
        self.env |= {"C_INCLUDE_PATH": f"{directory}/include", "CPLUS_INCLUDE_PATH": f"{directory}/include",
                     "LIBRARY_PATH": f"{directory}/lib"}


def installation(work):
    """The right files, all under DESTDIR; once more over them; and all gone at the end."""
    stage = work / "stage"
    where = [f"DESTDIR={stage}", "PREFIX=/opt/some where"]
    for time in ("the first time", "once more"):
        make("install-compat", *where)
        got = files(stage)
        check(got == [f"opt/some where/{name}" for name in FILES], f"make install-compat, {time}", got)
    lib = stage / "opt/some where/lib"
    text = (lib / "pkgconfig/libdill.pc").read_text()
    check("prefix=/opt/some where\n" in text and "@" not in text, "make install-compat: the .pc file", text)
    check(str((lib / "libdill.so").readlink()) == "libdill.so.20", "make install-compat: a relative link")
    make("uninstall-compat", *where)
    check(files(stage) == [], "make uninstall-compat: nothing is left", files(stage))


def refusal(work):
    """A libdill that is there stays as it is, if there is but one file of it."""
    for number, kept in enumerate([FILES, *([name] for name in (*FILES, *MULTIARCH))]):
        prefix = work / "refusal" / str(number)
        for name in kept:
            path = prefix / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("libdill's\n")
        done = run(["make", "-s", "-C", ROOT, "CARGO=no-cargo-here", "install-compat", f"PREFIX={prefix}"])
        check(done.returncode != 0 and f"{prefix / kept[0]} is another libdill's" in done.stderr,
              f"make install-compat refuses: {kept}", done.stderr)
        make("uninstall-compat", f"PREFIX={prefix}")
        check(files(prefix) == kept and {(prefix / name).read_text() for name in kept} == {"libdill's\n"},
              f"make install-compat and uninstall-compat touch nothing: {kept}", files(prefix))


def needed(name, program):
    text = output(["readelf", "-dW", program])
    check("[libdill.so.20]" in text and text.count("dill") == 1, f"{name}: needs libdill.so.20 alone", text)


def found(prefix, work):
    """By the ways in which build systems look for a library."""
    for linker in linkers():
        for option in ([], ["-Wl,--as-needed"], ["-Wl,--no-copy-dt-needed-entries,-z,defs"]):
            name = " ".join(["-ldill", *linker, *option])
            prefix.app(name, [*CC, *linker, *option], ["-ldill"], work, AS_LIBDILL)
            needed(name, work / "program")
    prefix.app("-ldill, C++", [*CXX, "-xc++"], ["-ldill"], work, AS_LIBDILL)
    prefix.app("pkg-config libdill", CC, prefix.flags("libdill"), work, AS_LIBDILL)
    version = prefix.pkg_config("--modversion", "libdill")
    check(version == ["25.0.5"], "pkg-config libdill: libdill's version", version)
    for name in ("dill_tcp_connect", "dill_ws_send", "dill_hmake"):
        # As autoconf's AC_CHECK_LIB does.
        succeeds(f"{name} in -ldill", [*CC, "-xc", "-", "-o", work / "conftest", "-ldill"], env=prefix.env,
                 input=f"char {name}();\nint main(void) {{ return {name}(); }}\n")


def by_cmake(prefix, work):
    source, build = work / "cmake", work / "cmake build"
    source.mkdir()
    (source / "CMakeLists.txt").write_text(CMAKE % (HERE / "app.c"))
    env = dict(prefix.env, CMAKE_PREFIX_PATH=str(prefix.directories[0]))
    for name in ("C_INCLUDE_PATH", "LIBRARY_PATH"):
        del env[name]
    succeeds("cmake finds dill", ["cmake", "-S", source, "-B", build], env=env)
    succeeds("cmake builds", ["cmake", "--build", build], env=env)
    text = succeeds("cmake's program runs", [build / "program"], env=env, timeout=60)
    check("ws libdill.so.20\n" in text and text.endswith("good\n"), "cmake's program is on libdill.so.20", text)


def static(prefix, work):
    own = {"header": "libdill_rt"}
    flags = prefix.pkg_config("--static", "--cflags", "--libs", "libdill")
    prefix.app("static: pkg-config --static libdill", [*CC, "-static", "-DSTATIC"], flags, work, own)
    for name, compiler, library in (("static: -ldill", [*CC, "-static"], "-ldill"),
                                    ("-l:libdill.a", CC, "-l:libdill.a")):
        prefix.app(name, [*compiler, "-DSTATIC"], [library, "-lpthread", "-ldl"], work, own)
        text = output(["readelf", "-dW", work / "program"])
        check("dill" not in text, f"{name}: needs no libdill", text)


def built_before(prefix, theirs, work):
    """A program that was built for libdill runs, and is not linked again."""
    for option in ([], ["-Wl,-z,now"], ["-no-pie"]):
        name = " ".join(["built for libdill", *option])
        program = theirs.build(name, [*CC, *option], theirs.flags("libdill"), work)
        text = succeeds(f"{name}: runs on ours", [program], env=prefix.env, timeout=60)
        check("header libdill\n" in text and "ws libdill.so.20\n" in text and text.endswith("good\n"),
              f"{name}: good on ours", text)
        text = output(["ldd", "-r", program], env=prefix.env)
        check(f"{prefix.directories[0]}/lib/libdill.so.20" in text and "undefined" not in text
              and "not found" not in text, f"{name}: all of it is found in ours", text)
    text = output(["readelf", "-rW", work / "program"])
    check(re.search("COPY.*dill_msock_type", text), "built for libdill -no-pie: has a copy of a variable", text)


def loaded(prefix):
    """A language's loader finds every function in the one library."""
    env = {name: value for name, value in prefix.env.items() if not name.startswith("LD_")}
    for name in ("libdill.so", "libdill.so.20"):
        path = prefix.directories[0] / "lib" / name
        succeeds(f"{name} is loaded alone", [sys.executable, "-c", LOAD, path, *symbols()], env=env, timeout=60)


def private(prefix, work):
    """A directory that only the program knows."""
    lib = prefix.directories[0] / "lib"
    env = {name: value for name, value in prefix.env.items() if not name.startswith("LD_")}
    program = prefix.build("private prefix", CC, ["-ldill", f"-Wl,--enable-new-dtags,-rpath,{lib}"], work)
    text = succeeds("private prefix: runs", [program], env=env, timeout=60)
    check(text.endswith("good\n"), "private prefix: good", text)


def beside_install(work):
    """`make install` in the same place changes nothing, and is not changed."""
    prefix = Compat(work / "both")
    where = f"PREFIX={work / 'both'}"
    make("install-compat", where)
    make("install", where)
    prefix.app("beside make install: -ldill", CC, ["-ldill"], work, AS_LIBDILL)
    host = "libdill_rt.so.0"
    prefix.app("beside make install: libdill_ws", CC, prefix.flags("libdill_ws"), work,
               dict(AS_LIBDILL, ws="libdill_ws.so.0", host=host, go=host))
    prefix.app("beside make install: libdill_ws libdill", CC, prefix.flags("libdill_ws", "libdill"), work,
               dict(AS_LIBDILL, ws="libdill_ws.so.0"))
    make("uninstall", where)
    left = files(work / "both")
    check(left == FILES, "make uninstall: what is called libdill is left", left)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libdill", type=pathlib.Path, metavar="PREFIX")
    args = parser.parse_args()
    need(CC[0], CXX[0], "cmake", "make", "pkg-config", "readelf")
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        installation(work)
        refusal(work)
        theirs = args.libdill or work / "libdill"
        if not args.libdill:
            stand_in.prefix(theirs)
        make("install-compat", f"PREFIX={work / 'our own'}")
        prefix = Compat(work / "our own")
        found(prefix, work)
        by_cmake(prefix, work)
        static(prefix, work)
        built_before(prefix, Prefix(theirs), work)
        loaded(prefix)
        private(prefix, work)
        beside_install(work)
    finish()


if __name__ == "__main__":
    main()
