"""The tools that scripts need, and where they come from."""

import os
import pathlib
import shutil
import sys

# Debian has some tools where only root looks.
os.environ["PATH"] += os.pathsep + "/usr/sbin"
# What Debian 12 and 13 have of Rust is too old.
RUST = ["cargo", "rustfmt", "cargo-clippy"]
# Debian's package, where it is not called as the tool is.
PACKAGES = {
    "ar": "binutils", "c++": "g++", "cc": "gcc", "danted": "dante-server", "groff": "groff-base",
    "ld": "binutils", "man": "man-db", "nm": "binutils", "node": "nodejs", "readelf": "binutils",
    "strip": "binutils", "unshare": "util-linux",
}


def die(message):
    sys.exit(f"{'/'.join(pathlib.Path(sys.argv[0]).resolve().parts[-2:])}: {message}")


def install(package):
    return f"on Debian: apt-get install {package}"


def need(*tools):
    """Ends the program if one of the tools is missing."""
    missing = [tool for tool in tools if not shutil.which(tool)]
    if missing:
        die("\n".join(
            f"{tool} is missing; " + (
                "see https://rustup.rs" if tool in RUST else install(PACKAGES.get(tool, tool)))
            for tool in missing))
