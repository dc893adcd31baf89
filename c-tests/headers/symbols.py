#!/usr/bin/env python3
"""Compares what the libraries in build/ define and need with the pinned lists in symbols/."""

import re
import tempfile

from checks import BUILD, CC, HERE, INCLUDE, ROOT, check, finish, need, output, run

LIBRARIES = ["libdill_ws", "libdill_rt"]
CODE = "TWi"
# libdill's header declares these, and no library has them.
NOWHERE = {f"dill_dtls_{name}" for name in ("attach_client", "attach_client_mem", "attach_server",
                                            "attach_server_mem", "done", "detach")}
# They belong to the go macros.
OF_GO = {"dill_prologue", "dill_epilogue", "dill_unoptimisable"}


def pinned(name):
    return set((ROOT / "symbols" / f"{name}.txt").read_text().splitlines())


def defined(path, *options):
    """Symbols as the lists have them, with nm's letter for each."""
    symbols = {}
    for line in output(["nm", *options, "--defined-only", path]).splitlines():
        words = line.split()
        if len(words) == 3:
            _, letter, name = words
            kind = "function" if letter in CODE else "data"
            symbols[f"{kind} {name}"] = letter
    return symbols


def undefined(path, *options):
    lines = output(["nm", *options, "--undefined-only", path]).splitlines()
    return {line.split()[-1] for line in lines if line.strip()}


def same(name, got, want):
    extra, missing = sorted(set(got) - set(want)), sorted(set(want) - set(got))
    check(not extra and not missing, name, f"too many: {extra}\nmissing: {missing}")


def dynamic(path, tag):
    text = output(["readelf", "-dW", path])
    return re.findall(rf"\({tag}\).*\[(.*)\]", text)


def names(lines):
    return {line.split()[1] for line in lines}


def host_imports(path, *options):
    return {name for name in undefined(path, *options) if re.match(r"(dill|ws)_", name)}


def shared(library):
    path = BUILD / f"{library}.so"
    same(f"{library}.so defines the pinned symbols", defined(path, "-D"), pinned(library))
    check(dynamic(path, "SONAME") == [f"{library}.so.0"], f"{library}.so: soname",
          dynamic(path, "SONAME"))
    # Programs copy them (R_*_COPY), so their size counts.
    entries = [line.split() for line in output(["readelf", "--dyn-syms", "-W", path]).splitlines()]
    sizes = {words[7]: (words[2], words[3]) for words in entries if len(words) == 8}
    for line in pinned(library):
        kind, name = line.split()
        if kind == "data":
            check(sizes.get(name) == ("8", "OBJECT"), f"{name} is a pointer", sizes.get(name))


def static(library):
    path = BUILD / f"{library}.a"
    symbols = defined(path, "-g")
    same(f"{library}.a defines the pinned symbols", symbols, pinned(library))
    weak = {line.split()[1] for line, letter in symbols.items() if letter == "W"}
    raw = {name for name in names(pinned(library)) if not name.startswith("dill_")}
    same(f"{library}.a: just the raw names are weak", weak, raw)
    objects = output(["ar", "t", path]).split()
    check(objects == [f"{library}.o"], f"{library}.a has one object", objects)


def imports():
    host = names(pinned("host"))
    for path, options in ((BUILD / "libdill_ws.so", ["-D"]), (BUILD / "libdill_ws.a", [])):
        same(f"{path.name} needs the pinned host functions", host_imports(path, *options), host)
    for path, options in ((BUILD / "libdill_rt.so", ["-D"]), (BUILD / "libdill_rt.a", [])):
        same(f"{path.name} needs no host", host_imports(path, *options), [])
    needed = dynamic(BUILD / "libdill_ws.so", "NEEDED")
    check("libdill_rt.so.0" in needed, "libdill_ws.so loads libdill_rt.so.0", needed)
    check(not any("dill" in name for name in dynamic(BUILD / "libdill_rt.so", "NEEDED")),
          "libdill_rt.so loads no other of the libraries")


def import_library():
    path = BUILD / "libdill_ws" / "libdill_ws.so"
    same("the import library names both libraries' symbols", defined(path, "-D"),
         pinned("libdill_ws") | pinned("libdill_rt"))
    check(dynamic(path, "SONAME") == ["libdill_ws.so.0"], "import library: soname")


def as_libdill():
    """What programs find as libdill has the prefixed names of both libraries, in itself."""
    want = {line for library in LIBRARIES for line in pinned(library) if line.split()[1].startswith("dill_")}
    for path, option in ((BUILD / "libdill/libdill.so.20", "-D"), (BUILD / "libdill/libdill.a", "-g")):
        same(f"{path.name} defines the pinned symbols", defined(path, option), want)
    needed = dynamic(BUILD / "libdill/libdill.so.20", "NEEDED")
    check(not any("dill" in name for name in needed), "libdill.so.20 loads no other of the libraries", needed)
    check(dynamic(BUILD / "libdill/libdill.so.20", "SONAME") == ["libdill.so.20"], "libdill.so.20: soname")


def headers():
    """Each symbol with a dill_ name is declared, and nothing else is."""
    text = "".join((INCLUDE / name).read_text()
                   for name in ("libdill.h", "libdillimpl.h", "libdill_ws.h", "libdill_wsx.h"))
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    declared = set(re.findall(r"^DILL_(?:WS_)?EXPORT\b[^;(]*?\b(dill_\w+)\s*[;(]", text, re.M))
    declared |= set(re.findall(r"^DILL_EXPORT __attribute__\S+ \w+ (dill_\w+)\(", text, re.M))
    full = {name for library in LIBRARIES for name in names(pinned(library))
            if name.startswith("dill_")}
    same("the headers declare the pinned symbols", declared, full | NOWHERE)
    plain = {name for raw, name in re.findall(r"^#define (\w+) (dill_\w+)$", text, re.M) if name == f"dill_{raw}"}
    same("each symbol has a macro for its plain name", plain & (full | NOWHERE), (full | NOWHERE) - OF_GO)
    source = "#include <libdillimpl.h>\n#include <libdill_wsx.h>\n" + "".join(
        f"extern __typeof__({name}) {name};\n" for name in sorted(full))
    done = run([*CC, f"-I{INCLUDE}", "-Werror", "-fsyntax-only", "-xc", "-"], input=source)
    check(done.returncode == 0, "the compiler finds the declarations", done.stderr)


def called(text):
    """What is called inside the macros of quiet.h."""
    for start in re.finditer(r"\b(?:Q|Q_POINTER|WAITS|WAITS_FOR|SUCCEEDS)\(", text):
        depth, end = 1, start.end()
        while depth and end < len(text):
            depth += {"(": 1, ")": -1}.get(text[end], 0)
            end += 1
        yield from re.findall(r"\b(\w+)\(", text[start.end():end])


def quiet():
    """A test looks at errno after each function."""
    # The two halves of go(), and what only tells of errors.
    macros = {"dill_prologue", "dill_epilogue", "dill_ws_why"}
    for library, tests in (("libdill_rt", ["runtime/core/rt_errno.c"]),
                           ("libdill_ws", ["ws/s2_errno.c", "ws/e2_errno.c", "ws/e3_errno.c", "ws/e7_errno.c"])):
        functions = {line.split()[1] for line in pinned(library) if line.startswith("function dill_")}
        tested = {f"dill_{name}" for name in called("".join((HERE.parent / test).read_text() for test in tests))}
        same(f"{' '.join(tests)}: all functions of {library}", tested & functions, functions - macros)


def control():
    """A leaked and a lost symbol are noticed."""
    with tempfile.TemporaryDirectory() as work:
        path = f"{work}/libcontrol.so"
        output([*CC, "-shared", "-fPIC", "-xc", "-", "-o", path],
               input="int dill_ws_send; void leak(void) {}\n")
        symbols = defined(path, "-D")
        check("function leak" in symbols and "data dill_ws_send" in symbols,
              "control: nm shows functions and data", symbols)
        check(set(symbols) - pinned("libdill_ws") == {"function leak", "data dill_ws_send"},
              "control: a leak and a wrong kind are noticed")


def main():
    need(CC[0], "nm", "readelf", "ar")
    for library in LIBRARIES:
        shared(library)
        static(library)
    imports()
    import_library()
    as_libdill()
    headers()
    quiet()
    control()
    finish()


if __name__ == "__main__":
    main()
