#!/usr/bin/env python3
"""Installs into a temporary directory and builds programs against what is there, as a user would.

    install.py                   on libdill_rt, and on a stand-in for an installed libdill
    install.py --libdill PREFIX  on an installed libdill instead of the stand-in
"""

import argparse
import os
import pathlib
import re
import shlex
import sys
import tempfile

import stand_in
from checks import BUILD, CC, CXX, HERE, ROOT, check, finish, need, output, run, succeeds

WARNINGS = ["-Wall", "-Wextra", "-Werror"]
# app.c calls dladdr, which older glibc has in a library of its own.
DLADDR = "-ldl"
OWN_HOST = {"header": "libdill_rt", "ws": "libdill_ws.so.0", "host": "libdill_rt.so.0",
            "go": "libdill_rt.so.0"}
THEIR_HOST = {"header": "libdill", "ws": "libdill_ws.so.0", "host": "libdill.so.20",
              "go": "libdill.so.20"}


def make(*arguments):
    # The libraries have been built: no cargo.
    return output(["make", "-s", "-C", ROOT, "CARGO=no-cargo-here", *arguments])


def files(directory):
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*")
                  if not path.is_dir() or path.is_symlink())


def expected_files():
    version = re.search(r'^version = "(.*)"', (ROOT / "Cargo.toml").read_text(), re.M)[1]
    names = ["include/libdill_ws.h", "include/libdill_wsx.h", "include/libdill_rt/libdill.h",
             "include/libdill_rt/libdillimpl.h", "lib/libdill_ws/libdill_ws.so",
             "lib/libdill_ws/libdill_ws.so.0", "lib/libdill_ws/libdill_rt.so.0",
             "lib/cmake/libdill_ws/libdill_ws-config.cmake", "lib/cmake/libdill_ws/libdill_ws-config-version.cmake"]
    names += [f"share/doc/libdill_ws/{name}" for name in ("LICENSE", "THIRD-PARTY.txt", "README.md", "CHANGELOG.md",
                                                          "SECURITY.md", "valgrind.supp")]
    for library in ("libdill_ws", "libdill_rt"):
        names += [f"lib/{library}.{end}" for end in ("a", "so", "so.0", f"so.{version}")]
        names.append(f"lib/pkgconfig/{library}.pc")
    for section in "37":
        names += [f"share/man/man{section}/{page.name}dill_ws"
                  for page in (ROOT / "man").glob(f"*.{section}")]
    return sorted(names)


class Prefix:
    """An installation, with another of libdill perhaps."""

    def __init__(self, *directories):
        self.directories = directories
        lib = [str(directory / "lib") for directory in directories]
        self.env = dict(os.environ, LD_LIBRARY_PATH=":".join(lib),
                        PKG_CONFIG_PATH=":".join(f"{name}/pkgconfig" for name in lib))
        self.env.pop("LD_PRELOAD", None)

    def pkg_config(self, *arguments):
        return shlex.split(output(["pkg-config", *arguments], env=self.env))

    def flags(self, *packages):
        return self.pkg_config("--cflags", "--libs", *packages)

    def build(self, name, compiler, flags, work, source=HERE / "app.c"):
        program = work / "program"
        succeeds(f"{name}: compiles", [*compiler, *WARNINGS, source, "-o", program, *flags, DLADDR],
                 env=self.env)
        return program

    def app(self, name, compiler, flags, work, want):
        text = succeeds(f"{name}: runs", [self.build(name, compiler, flags, work)],
                        env=self.env, timeout=60)
        said = dict(line.split() for line in text.splitlines() if " " in line)
        check(said == want and text.endswith("good\n"), f"{name}: {want}", text)


def linkers():
    """The options for each linker at hand; the compiler's own comes first."""
    found = [[]]
    for name in ("bfd", "gold", "lld"):
        probe = run([*CC, f"-fuse-ld={name}", "-Wl,--version", "-nostdlib"])
        if probe.returncode == 0:
            found.append([f"-fuse-ld={name}"])
    return found


def installation(work):
    """The right files, all under DESTDIR, and all gone after uninstall."""
    stage = work / "stage"
    where = [f"DESTDIR={stage}", "PREFIX=/opt/somewhere"]
    make("install", *where)
    got = files(stage / "opt" / "somewhere")
    check(got == expected_files(), "make install: the right files",
          f"too many: {set(got) - set(expected_files())}\nmissing: {set(expected_files()) - set(got)}")
    check(len(files(stage)) == len(got), "make install: nothing outside the prefix", files(stage))
    text = (stage / "opt/somewhere/lib/pkgconfig/libdill_ws.pc").read_text()
    check("prefix=/opt/somewhere\n" in text and "@" not in text, "make install: the .pc file", text)
    for library in ("libdill_ws", "libdill_rt"):
        for link in (f"{library}.so", f"{library}.so.0"):
            target = (stage / "opt/somewhere/lib" / link).readlink()
            check(not target.is_absolute(), f"make install: {link} is a relative link", target)
    make("uninstall", *where)
    check(files(stage) == [], "make uninstall: nothing is left", files(stage))


def stripped(work):
    """The libraries work without their debug lines."""
    own = work / "stripped"
    make("install-strip", f"PREFIX={own}")
    for library in ("libdill_ws", "libdill_rt"):
        sections = {prefix: output(["readelf", "-SW", directory / f"{library}.so"])
                    for prefix, directory in (("installed", own / "lib"), ("built", BUILD))}
        check(".debug_line" in sections["built"] and ".debug_" not in sections["installed"],
              f"make install-strip: {library} has no debug lines", sections)
    prefix = Prefix(own)
    prefix.app("make install-strip", CC, prefix.flags("libdill_ws"), work, OWN_HOST)


def manual(work):
    """The pages are found by their names, and leave libdill's of the same names alone."""
    theirs = work / "manual/share/man/man3/ws_send.3"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("libdill's\n")
    where = f"PREFIX={work / 'manual'}"
    make("install", where)
    for words, want in ([["ws_recv"], "man3/ws_recv.3dill_ws"], [["3", "ws_recv"], "man3/ws_recv.3dill_ws"],
                        [["libdill_ws"], "man7/libdill_ws.7dill_ws"], [["ws_send"], "man3/ws_send.3"],
                        [["go"], "man3/go.3dill_ws"], [["libdill_rt"], "man7/libdill_rt.7dill_ws"],
                        [["3dill_ws", "ws_send"], "man3/ws_send.3dill_ws"]):
        found = succeeds(f"man {' '.join(words)}", ["man", "-M", theirs.parent.parent, "-w", *words]).strip()
        check(found == str(theirs.parent.parent / want), f"man {' '.join(words)}: {want}", found)
    make("uninstall", where)
    left = files(work / "manual")
    check(left == ["share/man/man3/ws_send.3"] and theirs.read_text() == "libdill's\n",
          "make uninstall: libdill's pages are left", left)


def foreign(prefix):
    """A program in another language uses options."""
    libraries = [prefix.directories[0] / "lib" / f"{name}.so.0" for name in ("libdill_rt", "libdill_ws")]
    text = succeeds("a program in Python", [sys.executable, HERE / "foreign.py", *libraries], timeout=60)
    check(text == "good\n", "a program in Python has what it wants", text)


def on_own_runtime(prefix, work):
    """No libdill on the machine."""
    flags = prefix.flags("libdill_ws")
    for linker in linkers():
        for needed in ([], ["-Wl,--as-needed"]):
            name = " ".join(["libdill_ws", *linker, *needed])
            prefix.app(name, [*CC, *linker, *needed], flags, work, OWN_HOST)
    prefix.app("libdill_ws, strict C", [*CC, "-std=c11"], flags, work, OWN_HOST)
    prefix.app("libdill_ws, C++", [*CXX, "-xc++"], flags, work, OWN_HOST)
    prefix.app("libdill_ws, own ws_send", [*CC, "-DOWN_WS_SEND"], flags, work, OWN_HOST)
    prefix.app("libdill_ws libdill_rt", CC, prefix.flags("libdill_ws", "libdill_rt"), work, OWN_HOST)
    lib = prefix.directories[0] / "lib"
    by_hand = [*prefix.flags("libdill_rt"), f"-L{lib}", "-ldill_ws", "-ldill_rt"]
    prefix.app("-ldill_ws -ldill_rt", CC, by_hand, work, OWN_HOST)


def on_libdill(prefix, work):
    """An installed libdill is the host, though it stands last."""
    flags = prefix.flags("libdill_ws", "libdill")
    for linker in linkers():
        for needed in ([], ["-Wl,--as-needed"]):
            name = " ".join(["libdill_ws libdill", *linker, *needed])
            prefix.app(name, [*CC, *linker, *needed], flags, work, THEIR_HOST)
    # Built without libdill_ws on the line, for libdill alone: preloading is enough.
    flags = prefix.flags("libdill_ws", "libdill_rt")
    program = prefix.build("preload", CC, flags, work)
    env = dict(prefix.env, LD_PRELOAD=str(prefix.directories[1] / "lib/libdill.so.20"))
    text = succeeds("preloaded libdill: runs", [program], env=env, timeout=60)
    check("host libdill.so.20" in text, "a preloaded libdill is the host", text)


def static(prefix, work):
    lib = prefix.directories[0] / "lib"
    own = {"header": "libdill_rt"}
    whole = prefix.pkg_config("--static", "--cflags", "--libs", "libdill_ws")
    cflags = [*prefix.pkg_config("--cflags", "libdill_ws"), "-DSTATIC"]
    both = [lib / "libdill_ws.a", lib / "libdill_rt.a"]
    for switch in ([], ["-DOWN_WS_SEND"]):
        name = " ".join(["static", *switch])
        prefix.app(f"{name}: pkg-config --static", [*CC, "-static", "-DSTATIC", *switch], whole,
                   work, own)
        prefix.app(f"{name}: both archives", [*CC, *switch], [*cflags, *both], work, own)
    flags = prefix.pkg_config("--cflags", "--libs-only-L", "libdill_ws")
    program = prefix.build("archives by name", CC,
                           [*flags, "-l:libdill_ws.a", "-l:libdill_rt.a"], work)
    needed = output(["readelf", "-d", program])
    check("libdill" not in needed, "static: no shared library of ours is needed", needed)


def readme(prefix, work):
    """The example of README.md compiles without a warning."""
    program = re.search(r"```c\n(.*?)```", (ROOT / "README.md").read_text(), re.S)[1]
    source = work / "readme.c"
    source.write_text(program)
    prefix.build("README.md", [*CC, "-std=c11", "-pedantic"], prefix.flags("libdill_ws"), work, source)


LOAD = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
for name in ("ws_response_key", "dill_ws_response_key"):
    out = ctypes.create_string_buffer(32)
    assert getattr(library, name)(b"dGhlIHNhbXBsZSBub25jZQ==", out) == 0
    assert out.value == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", out.value
s = (ctypes.c_int * 2)()
runtime = ctypes.CDLL("libdill_rt.so.0")
assert runtime.dill_ipc_pair(s) == 0
deadline = ctypes.c_int64(-1)
a = library.ws_attach_client(s[0], 2, None, None, deadline)
b = library.ws_attach_server(s[1], 2, None, ctypes.c_size_t(0), None, ctypes.c_size_t(0), deadline)
assert a >= 0 and b >= 0
assert library.ws_send(a, 1, b"hello", ctypes.c_size_t(5), deadline) == 0
buf, flags = ctypes.create_string_buffer(8), ctypes.c_int(-1)
library.ws_recv.restype = ctypes.c_ssize_t
assert library.ws_recv(b, ctypes.byref(flags), buf, ctypes.c_size_t(8), deadline) == 5
assert buf.value == b"hello" and flags.value == 1
"""


def loaded_alone(prefix):
    """A language's loader opens libdill_ws.so and nothing else, wherever it is."""
    env = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
    target = pathlib.Path(os.environ.get("CARGO_TARGET_DIR", "target"))
    for directory in (prefix.directories[0] / "lib", BUILD, ROOT / target / "release"):
        succeeds(f"loaded alone from {directory.name}/",
                 [sys.executable, "-c", LOAD, directory / "libdill_ws.so"], env=env, timeout=60)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libdill", type=pathlib.Path, metavar="PREFIX")
    args = parser.parse_args()
    need(CC[0], CXX[0], "pkg-config", "make", "man", "readelf")
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        installation(work)
        stripped(work)
        manual(work)
        own, theirs = work / "own", args.libdill or work / "libdill"
        make("install", f"PREFIX={own}")
        if not args.libdill:
            stand_in.prefix(theirs)
        prefix = Prefix(own)
        on_own_runtime(prefix, work)
        foreign(prefix)
        static(prefix, work)
        readme(prefix, work)
        loaded_alone(prefix)
        on_libdill(Prefix(own, theirs), work)
    finish()


if __name__ == "__main__":
    main()
