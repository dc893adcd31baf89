"""The tools that scripts need, and where they come from."""

import pathlib
import shutil
import sys

# What Debian 12 and 13 have of Rust is too old.
RUST = ["cargo", "rustfmt", "cargo-clippy"]
# Debian's package, where it is not called as the tool is.
PACKAGES = {
    "ar": "binutils", "c++": "g++", "cc": "gcc", "groff": "groff-base", "ld": "binutils", "man": "man-db",
    "nm": "binutils", "node": "nodejs", "readelf": "binutils", "strip": "binutils",
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
