"""The functions and structures as the headers declare them, under their plain names, for pages.py."""

import pathlib
import re

INCLUDE = pathlib.Path(__file__).resolve().parent.parent / "include"
HEADERS = ("libdill.h", "libdillimpl.h", "libdill_ws.h", "libdill_wsx.h")


def plain(header):
    """A header without its comments, and without the prefix of its names."""
    return re.sub(r"/\*.*?\*/|\bdill_", "", (INCLUDE / header).read_text(), flags=re.S)


def functions():
    """The header and the prototype, on one line, of each function, by name."""
    found = {}
    for header in HEADERS:
        for words in re.findall(
                r"^DILL_(?:WS_)?EXPORT\s+(?:__attribute__\S+\s+)?([^;{]*\([^;{]*\);)", plain(header), re.M):
            proto = re.sub(r"\(\s+", "(", " ".join(words.split()))
            found[re.search(r"(\w+)\(", proto).group(1)] = header, proto
    return found


def structure(header, name):
    """The lines of a structure's definition."""
    definition = re.search(rf"^struct {name} {{\n.*?^}};", plain(header), re.M | re.S).group()
    return [line for line in definition.split("\n") if line.strip()]
