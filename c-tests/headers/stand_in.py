"""A stand-in for an installed libdill, for machines without one."""

import shutil

from checks import BUILD, CC, HERE, INCLUDE, check, output


def header(directory):
    """libdill.h as libdill's own: it declares the ws functions itself."""
    directory.mkdir(parents=True, exist_ok=True)
    text = (INCLUDE / "libdill.h").read_text()
    mark = "#define LIBDILL_RT_H_INCLUDED\n"
    include = '#if !defined(DILL_DISABLE_SOCKETS)\n#include "libdill_ws.h"\n#endif\n'
    check(mark in text and include in text, "the stand-in knows the runtime's libdill.h")
    text = text.replace(mark, "#define STAND_IN_FOR_LIBDILL\n")
    # glibc hides sigjmp_buf from strict C, and libdill's own header fails there.
    text = text.replace("#define DILL_CONTEXT_ jmp_buf", "#define DILL_CONTEXT_ sigjmp_buf")
    text = text.replace(include, (HERE / "libdill_like.h").read_text())
    (directory / "libdill.h").write_text(text)
    shutil.copy(INCLUDE / "libdillimpl.h", directory)


def prefix(directory):
    """A whole installation: both libraries once more, in one, under libdill's names."""
    header(directory / "include")
    lib = directory / "lib"
    lib.mkdir(parents=True)
    output([*CC, "-shared", "-Wl,-soname,libdill.so.20", "-Wl,--whole-archive",
            BUILD / "libdill_ws.a", BUILD / "libdill_rt.a", "-Wl,--no-whole-archive", "-o", lib / "libdill.so.20"])
    (lib / "libdill.so").symlink_to("libdill.so.20")
    (lib / "pkgconfig").mkdir()
    (lib / "pkgconfig" / "libdill.pc").write_text(
        f"prefix={directory}\nName: libdill\nDescription: stand-in\nVersion: 25.0.5\n"
        "Libs: -L${prefix}/lib -ldill\nCflags: -I${prefix}/include\n")
