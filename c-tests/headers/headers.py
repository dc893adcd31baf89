#!/usr/bin/env python3
"""Compiles the headers in every order and way that a program may use them.

    headers.py                   with the runtime's libdill.h and a stand-in for libdill's
    headers.py --libdill PREFIX  with the header of an installed libdill instead of the stand-in
"""

import argparse
import concurrent.futures
import itertools
import pathlib
import re
import tempfile

import stand_in
from checks import BUILD, CC, CXX, HERE, INCLUDE, check, finish, need, output, run

WARNINGS = ["-Wall", "-Wextra", "-pedantic", "-Werror", "-fsyntax-only"]
C = [["-xc", f"-std={std}", "-Wstrict-prototypes"] for std in ("c99", "c11", "gnu99", "gnu11", "gnu17")]
C.append(["-xc", "-std=c11", "-D_POSIX_C_SOURCE=200809L", "-Wstrict-prototypes"])
CPP = [["-xc++", f"-std={std}"] for std in ("c++11", "c++20", "gnu++17")]
LANGUAGES = [[*CC, *mode] for mode in C] + [[*CXX, *mode] for mode in CPP]
SWITCHES = ["", "-DDILL_DISABLE_RAW_NAMES", "-DDILL_DISABLE_SOCKETS", "-DDILL_NO_EXPORTS=1",
            "-DDILL_ARCH_FALLBACK", "-fvisibility=hidden"]
NO_TLS = "-DDILL_DISABLE_TLS"
ORDERS = {
    "alone": ["libdill_ws.h"],
    "twice": ["libdill_ws.h", "libdill_ws.h"],
    "first": ["libdill_ws.h", "libdill.h"],
    "last": ["libdill.h", "libdill_ws.h"],
    "before impl": ["libdill_ws.h", "libdillimpl.h"],
    "after impl": ["libdillimpl.h", "libdill_ws.h"],
    "within": ["libdill.h"],
    "extended": ["libdill_wsx.h"],
    "extended first": ["libdill_wsx.h", "libdill.h"],
    "extended last": ["libdill.h", "libdill_wsx.h", "libdill_ws.h"],
}

USE = """
int use(void);
int use(void) {
    char byte = 0, key[WS_KEY_SIZE];
    struct dill_iolist list = {&byte, 1, 0, 0};
    struct dill_ws_storage mem;
    int flags = DILL_WS_TEXT | DILL_WS_BINARY | DILL_WS_NOHTTP;
    return dill_ws_attach_client_mem(0, flags, "/", "a", &mem, -1) + dill_ws_request_key(key) +
        dill_ws_sendl(0, flags, &list, &list, -1) + (int)dill_ws_recv(0, &flags, &byte, 1, -1);
}
"""
USE_RAW = """
int use_raw(void);
int use_raw(void) {
    char byte = 0, key[WS_KEY_SIZE];
    struct iolist list = {&byte, 1, 0, 0};
    struct ws_storage mem;
    int flags = WS_TEXT | WS_BINARY | WS_NOHTTP;
    return ws_attach_server_mem(0, flags, &byte, 1, &byte, 1, &mem, -1) +
        ws_response_key("", key) + (int)ws_recvl(0, &flags, &list, &list, -1) +
        ws_done(0, 1000, "", 0, -1) + ws_detach(0, 1000, "", 0, -1) +
        (int)ws_status(0, &flags, &byte, 1) + ws_send(0, flags, "", 0, -1);
}
"""
USE_EXTENDED = """
int use_extended(void);
int use_extended(void) {
    static const struct dill_ws_opts defaults = dill_ws_defaults;
    struct dill_ws_opts opts = dill_ws_defaults;
    struct dill_ws_info info;
    opts.flags = DILL_WS_DEFLATE | DILL_WS_NEEDPROTO | DILL_WS_TURNS;
    return dill_ws_attach_client_opts(0, "/", "a", &opts, -1) + dill_ws_attach_server_opts(0, &defaults, -1) +
        dill_ws_query(0, &info, sizeof info) + dill_ws_close(0, 1000, "", 0, -1) + *dill_ws_why() +
        dill_ws_send(0, DILL_WS_HOLD | DILL_WS_PLAIN, "", 0, -1);
}
"""
USE_EXTENDED_RAW = """
int use_extended_raw(void);
int use_extended_raw(void) {
    struct ws_opts opts = ws_defaults;
    struct ws_info info;
    opts.flags = WS_DEFLATE | WS_NEEDPROTO | WS_TURNS;
    return ws_attach_client_opts(0, "/", "a", &opts, -1) + ws_attach_server_opts(0, 0, -1) +
        ws_query(0, &info, sizeof info) + ws_close(0, 1000, "", 0, -1) + *ws_why() +
        ws_send(0, WS_HOLD | WS_PLAIN, "", 0, -1);
}
"""
# Functions that a program may have itself that does not ask for the extended ones.
USE_UNTOUCHED = """
int ws_connect(int s);
int ws_connect(int s) { return s; }
int ws_ping(const char *text);
int ws_ping(const char *text) { return *text; }
struct ws_opts { int mine; };
static int ws_msg, WS_PLAIN, WS_TURNS;
int use_untouched(void);
int use_untouched(void) { struct ws_opts ws_info = {1}; return ws_info.mine + ws_msg + WS_PLAIN + WS_TURNS; }
"""
# A program's own names, where the raw ones are switched off.
USE_OWN = """
int ws_send(int now, int go);
int ws_send(int now, int go) { return now + go; }
struct iolist { int mine; };
"""


def is_strict(language):
    """Does libc hide what libdill's own header needs?"""
    return any(word in ("-std=c99", "-std=c11") for word in language) and \
        not any("POSIX" in word for word in language)


def possible(language, switch, host, order):
    includes_libdill = order not in ("alone", "twice", "extended")
    if host == "none" and includes_libdill:
        return False
    # It has what libdill_ws.h declares, and no file of that name beside it.
    if host == "as libdill" and order != "within":
        return False
    if switch == "-DDILL_DISABLE_SOCKETS" and order == "within":
        return False
    # sigsetjmp, like sigjmp_buf, is not for strict C.
    return not (is_strict(language) and includes_libdill and
                (host == "libdill" or switch == "-DDILL_ARCH_FALLBACK"))


def source(switch, order):
    text = "".join(f"#include <{name}>\n" for name in ORDERS[order]) + USE
    is_raw = switch != "-DDILL_DISABLE_RAW_NAMES"
    text += USE_RAW if is_raw else USE_OWN
    if not order.startswith("extended"):
        return text + USE_UNTOUCHED
    return text + USE_EXTENDED + (USE_EXTENDED_RAW if is_raw else "")


def compile_one(case, include):
    language, switch, host, order = case
    flags = [switch] if switch else []
    done = run([*language, *WARNINGS, *flags, *include[host], "-"], input=source(switch, order))
    return done.returncode == 0, f"{' '.join(language)} {switch}, {host}, {order}", done.stderr


def layouts(include, hosts):
    for host, language in itertools.product(hosts, ([*CC, "-xc", "-std=gnu11"], [*CXX, "-xc++"])):
        for first in ("libdillimpl.h", "libdill_ws.h"):
            done = run([*language, *WARNINGS, *include[host], "-include", first, HERE / "layout.c"])
            check(done.returncode == 0, f"layout: {host}, {first}", done.stderr)


def words(include, switch):
    """The macros that a program has with libdillimpl.h, and what the headers declare."""
    flags = [switch] if switch else []
    text = "#include <libdillimpl.h>\n"
    macros = output([*CC, "-xc", "-E", "-dM", *flags, *include, "-"], input=text)
    declarations = output([*CC, "-xc", "-E", "-P", *flags, *include, "-"], input=text)
    return set(re.findall(r"^#define (\w+)", macros, re.M)) | set(re.findall(r"\bdill_\w+", declarations))


def nothing_is_missing(include):
    """Whatever libdill's headers define, the runtime's define too."""
    for switch in [*SWITCHES, NO_TLS]:
        missing = words(include["libdill"], switch) - words(include["libdill_rt"], switch)
        check(not missing, f"libdill's names: {switch}", sorted(missing))


def controls(include):
    """The checks above are able to fail."""
    bad = {
        "a struct is defined twice": "#include <libdill_ws.h>\nstruct dill_iolist {int i;};\n",
        "raw names are macros": "#include <libdill_ws.h>\n#ifdef ws_send\n#error\n#endif\n",
        "prototypes are checked": "#include <libdill_ws.h>\nvoid dill_ws_send(void);\n",
        "warnings are errors": "#include <libdill_ws.h>\nint less(unsigned a, int b);\nint less(unsigned a, int b) {return a < b;}\n",
    }
    for name, text in bad.items():
        done = run([*CC, "-xc", *WARNINGS, *include["none"], "-"], input=text)
        check(done.returncode != 0, f"control: {name}")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--libdill", type=pathlib.Path, metavar="PREFIX")
    args = parser.parse_args()
    need(CC[0], CXX[0])
    with tempfile.TemporaryDirectory() as name:
        work = pathlib.Path(name)
        # As installed: libdill_ws.h among others, libdill_rt's headers by themselves.
        ws, runtime = work / "ws", work / "runtime"
        for directory, names in (ws, ["libdill_ws.h", "libdill_wsx.h"]), (runtime, ["libdill.h", "libdillimpl.h"]):
            directory.mkdir()
            for header in names:
                (directory / header).symlink_to(INCLUDE / header)
        libdill = args.libdill / "include" if args.libdill else work / "libdill"
        if not args.libdill:
            stand_in.header(libdill)
        include = {
            "none": [f"-I{ws}"],
            "libdill_rt": [f"-I{ws}", "-idirafter", runtime],
            "libdill": [f"-I{ws}", "-idirafter", runtime, f"-I{libdill}"],
            "as libdill": [f"-I{BUILD / 'libdill'}"],
        }
        cases = [case for case in itertools.product(LANGUAGES, SWITCHES, include, ORDERS)
                 if possible(*case)]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            for result in pool.map(lambda case: compile_one(case, include), cases):
                check(*result)
        layouts(include, ["libdill_rt", "libdill"])
        left = [word for word in words(include["libdill_rt"], NO_TLS) if "tls_" in word]
        check(not left, f"{NO_TLS}: no tls, no dtls", left)
        if args.libdill:
            nothing_is_missing(include)
        controls(include)
    finish()


if __name__ == "__main__":
    main()
