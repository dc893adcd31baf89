#!/usr/bin/env python3
"""What others wrote and is linked into the libraries, with the licences that it is used under.

    third_party.py            writes THIRD-PARTY.txt, which `make install` puts beside the libraries
    third_party.py --check    a test: each licence is one that is known here, and the file is up to date
"""

import io
import json
import os
import pathlib
import re
import shlex
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FILE = ROOT / "THIRD-PARTY.txt"
# Where there is a choice, the first of these. All allow to link with programs under any licence, if the text
# goes with them.
CHOICE = ["MIT", "ISC", "Zlib", "BSD-3-Clause", "Apache-2.0"]
# How the texts begin that belong to a licence, in files whose names do not say it.
WORDS = {"MIT": "Permission is hereby granted, free of charge", "ISC": "Permission to use, copy, modify, and",
         "Zlib": "This software is provided 'as-is'", "BSD-3-Clause": "Redistribution and use in source",
         "Apache-2.0": "Apache License"}


def packages():
    """Those that cargo links for this machine, build tools and tests apart."""
    cargo = shlex.split(os.environ.get("CARGO", "cargo"))
    tree = subprocess.run([*cargo, "tree", "--locked", "--workspace", "--edges", "normal,no-proc-macro", "--prefix",
                           "none", "--format", "{p}"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    linked = {tuple(line.split()[:2]) for line in tree.splitlines() if line.strip()}
    metadata = subprocess.run([*cargo, "metadata", "--locked", "--format-version=1"], cwd=ROOT, capture_output=True,
                              text=True, check=True).stdout
    for package in sorted(json.loads(metadata)["packages"], key=lambda p: (p["name"], p["version"])):
        if package["source"] and (package["name"], f"v{package['version']}") in linked:
            yield package


def chosen(expression):
    """The licences out of an SPDX expression that a package is used under."""
    found = []
    for part in expression.replace("/", " OR ").split(" AND "):
        names = [name.strip("() ") for name in part.split(" OR ")]
        known = [name for name in CHOICE if name in names]
        if not known:
            raise LookupError(expression)
        found.append(known[0])
    return found


def texts(package, licences):
    """The files of a package that have the texts of the licences, and what else must go with them."""
    directory = pathlib.Path(package["manifest_path"]).parent
    files = [path for path in sorted(directory.iterdir())
             if path.is_file() and re.match(r"(?i)licen[cs]e|copying|notice", path.name)]
    if len(licences) > 1:
        return {path.name: path.read_text() for path in files}
    of_one = {path.name: path.read_text() for path in files if WORDS[licences[0]] in " ".join(path.read_text().split())}
    return dict(list(of_one.items())[:1])


def sections():
    for package in packages():
        licences = chosen(package["license"] or "")
        found = texts(package, licences)
        if not found:
            raise LookupError(f"no text of {' and '.join(licences)}")
        title = f"{package['name']} {package['version']} ({' and '.join(licences)})"
        yield title, package.get("repository") or "", found


def check():
    passed, failed = 0, 0
    for package in packages():
        try:
            licences = chosen(package["license"] or "")
            good = bool(texts(package, licences))
        except LookupError:
            good = False
        passed, failed = passed + good, failed + (not good)
        if not good:
            print(f"FAIL {package['name']}: {package['license']}")
    for expression, want in (("GPL-3.0-only", None), ("GPL-2.0 OR ISC", ["ISC"]),
                             ("Apache-2.0 AND ISC", ["Apache-2.0", "ISC"])):
        try:
            got = chosen(expression)
        except LookupError:
            got = None
        passed, failed = passed + (got == want), failed + (got != want)
    good = failed == 0 and FILE.read_text() == document()
    passed, failed = passed + good, failed + (not good)
    if not good:
        print(f"FAIL {FILE.name} is not up to date: run tools/third_party.py")
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0


def document():
    out = io.StringIO()
    print("libdill_ws and libdill_rt contain the following software of others, and Rust's standard library, which is",
          "used under the MIT licence, too: Copyright (c) The Rust Project Contributors.", sep="\n", file=out)
    for title, repository, found in sections():
        print(f"\n{'=' * 80}\n{title}\n{repository}\n{'=' * 80}", file=out)
        for text in found.values():
            print(f"\n{text.strip()}", file=out)
    return out.getvalue()


def main():
    if sys.argv[1:] == ["--check"]:
        return check()
    FILE.write_text(document())
    return 0


if __name__ == "__main__":
    sys.exit(main())
