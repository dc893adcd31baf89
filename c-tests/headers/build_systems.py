#!/usr/bin/env python3
"""Builds a program with CMake and Meson against an installation in a directory that no loader searches, and
runs it from where it was built.

    build_systems.py                   on libdill_rt, and on a stand-in for an installed libdill
    build_systems.py --libdill PREFIX  on an installed libdill instead of the stand-in
"""

import argparse
import os
import pathlib
import tempfile

import stand_in
from checks import CC, HERE, check, finish, need, run, succeeds
from install import OWN_HOST, THEIR_HOST, make

CMAKE = """
cmake_minimum_required(VERSION 3.13)
project(app C)
find_package(libdill_ws %(version)s REQUIRED)
%(more)s
add_executable(program "%(source)s")
target_compile_definitions(program PRIVATE %(definition)s)
target_link_libraries(program PRIVATE %(targets)s ${CMAKE_DL_LIBS})
"""

BY_PKG_CONFIG = """
cmake_minimum_required(VERSION 3.13)
project(app C)
find_package(PkgConfig REQUIRED)
pkg_check_modules(ws REQUIRED IMPORTED_TARGET libdill_ws)
add_executable(program "%s")
target_link_libraries(program PRIVATE PkgConfig::ws ${CMAKE_DL_LIBS})
"""

MESON = """
project('app', 'c')
executable('program', 'app.c', dependencies: [dependency('libdill_ws'), meson.get_compiler('c').find_library('dl')])
"""


class Project:
    """A source directory, and an environment that names the installation and nothing for the loader."""

    def __init__(self, name, work, prefixes):
        self.name = name
        self.source, self.build = work / name, work / f"{name} built"
        self.source.mkdir()
        self.env = {name: value for name, value in os.environ.items() if not name.startswith("LD_")}
        self.env |= {"CC": " ".join(CC), "CMAKE_PREFIX_PATH": ":".join(map(str, prefixes)),
                     "PKG_CONFIG_PATH": ":".join(f"{prefix}/lib/pkgconfig" for prefix in prefixes)}

    def runs(self, want):
        text = succeeds(f"{self.name}: runs where it was built", [self.build / "program"], env=self.env, timeout=60)
        said = dict(line.split() for line in text.splitlines() if " " in line)
        check(said == want and text.endswith("good\n"), f"{self.name}: {want}", text)

    def cmake(self, text, want):
        (self.source / "CMakeLists.txt").write_text(text)
        succeeds(f"{self.name}: cmake finds it", ["cmake", "-S", self.source, "-B", self.build], env=self.env)
        succeeds(f"{self.name}: cmake builds", ["cmake", "--build", self.build], env=self.env)
        self.runs(want)

    def meson(self, want):
        (self.source / "meson.build").write_text(MESON)
        (self.source / "app.c").write_text((HERE / "app.c").read_text())
        succeeds(f"{self.name}: meson finds it", ["meson", "setup", self.build, self.source], env=self.env)
        succeeds(f"{self.name}: meson builds", ["ninja", "-C", self.build], env=self.env)
        self.runs(want)


def project(targets, version="0.1", definition="", more=""):
    return CMAKE % {"version": version, "source": HERE / "app.c", "targets": targets, "definition": definition,
                    "more": more}


def versions(work, own):
    """Those that programs may ask for, and those that are others."""
    for version, good in (("", True), ("0.1", True), ("0.1.0 EXACT", True), ("0.1.9", False), ("0.2", False),
                          ("1", False)):
        one = Project(f"version {version}", work, [own])
        (one.source / "CMakeLists.txt").write_text(project("libdill_ws::libdill_ws", version))
        done = run(["cmake", "-S", one.source, "-B", one.build], env=one.env)
        check((done.returncode == 0) == good, f"find_package(libdill_ws {version})", done.stdout + done.stderr)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libdill", type=pathlib.Path, metavar="PREFIX")
    args = parser.parse_args()
    need(CC[0], "cmake", "make", "meson", "ninja", "pkg-config")
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        own, theirs = work / "our own", args.libdill or work / "libdill"
        make("install", f"PREFIX={own}")
        if not args.libdill:
            stand_in.prefix(theirs)
        Project("cmake", work, [own]).cmake(project("libdill_ws::libdill_ws"), OWN_HOST)
        Project("cmake, static", work, [own]).cmake(
            project("libdill_ws::static", definition="STATIC"), {"header": "libdill_rt"})
        find = f"find_library(DILL dill HINTS \"{theirs}/lib\")\ninclude_directories(\"{theirs}/include\")"
        Project("cmake, on libdill", work, [own]).cmake(
            project("libdill_ws::functions ${DILL}", more=find), THEIR_HOST)
        Project("cmake by pkg-config", work, [own]).cmake(BY_PKG_CONFIG % (HERE / "app.c"), OWN_HOST)
        Project("meson", work, [own]).meson(OWN_HOST)
        versions(work, own)
    finish()


if __name__ == "__main__":
    main()
