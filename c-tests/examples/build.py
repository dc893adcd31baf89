"""How the examples are compiled and run."""

import os
import pathlib
import random
import shlex
import socket
import subprocess

import peers
from peers import expect

ROOT = pathlib.Path(__file__).resolve().parents[2]


def run(command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, timeout=120,
                          **options)


class Build:
    """A directory with programs and what they need. The compiler is $CC, or cc."""

    standard = "c11"

    def __init__(self, include, lib, libs, directory):
        self.directory = pathlib.Path(directory)
        self.cc = [*shlex.split(os.environ.get("CC", "cc")), f"-I{include}"]
        self.libs = [f"-L{lib}", *libs]
        self.environment = dict(os.environ, LD_LIBRARY_PATH=str(lib))
        self.reserved = []

    def port(self):
        """A port for a program to listen on. It is none of those that the system gives to clients and servers, which
        can be taken by thousands of connections. The socket bound to it keeps others from it before the program is
        there, which can have it all the same: both set SO_REUSEADDR, and this one does not listen."""
        while True:
            holder = socket.socket()
            holder.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                holder.bind(("127.0.0.1", random.randrange(10000, 32768)))
            except OSError:
                holder.close()
                continue
            self.reserved.append(holder)
            return holder.getsockname()[1]

    def compile(self, source):
        target = self.directory / source.stem
        done = run([*self.cc, f"-std={self.standard}", "-O2", "-Wall", "-Wextra", "-Werror", source,
                    "-o", target, *self.libs])
        expect(done.returncode == 0, done.stderr)
        return target

    def launch(self, command, **options):
        """A program that runs, with what it prints."""
        return subprocess.Popen([str(word) for word in command], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                text=True, env=self.environment, cwd=self.directory, **options)

    def certificates(self):
        """A directory with certificates, which the programs take for those of the system."""
        home = self.directory / "certificates"
        if not home.exists():
            home.mkdir()
            done = run([ROOT / "c-tests/harness/certificates.sh", home])
            expect(done.returncode == 0, done.stderr)
            self.environment["SSL_CERT_FILE"] = str(home / "root.pem")
            (self.directory / "chain.pem").write_bytes((home / "good.pem").read_bytes())
            (self.directory / "key.pem").write_bytes((home / "good.key").read_bytes())
            (self.directory / "clients.pem").write_bytes((home / "root.pem").read_bytes())
        return home


def ending(process):
    """Output and exit status, or what went wrong."""
    try:
        out, err = process.communicate(timeout=peers.LIMIT)
    finally:
        process.kill()
    expect(process.returncode == 0 and err == "",
           f"exit status {process.returncode}, printed {out!r}, {err!r}")
    return out


def count(checks):
    """Makes the checks, each a name and a function, and counts them. Returns the exit status."""
    passed = failed = 0
    for name, check in checks:
        try:
            check()
            passed += 1
            print(f"ok    {name}", flush=True)
        except Exception as error:
            failed += 1
            print(f"FAIL  {name}: {type(error).__name__}: {error}", flush=True)
    print(f"{passed} passed, {failed} failed")
    return 1 if failed else 0
