"""The servers that are compared: their programs are made here."""

import functools
import json
import os
import pathlib
import shlex
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "c-tests/peers"))
import support  # noqa: E402

CFLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2"]
CXXFLAGS = ["-std=c++20", "-Wall", "-Wextra", "-Werror", "-O3", "-flto=auto"]
OURS = "libdill_ws"


class Server:
    """A program that can be started, also under another one."""

    def __init__(self, name, command, env=None):
        self.name, self.command, self.env = name, command, env

    def start(self, under=()):
        self.running = support.Server([*under, *self.command], self.env)
        return self.running

    @property
    def pid(self):
        return self.running.process.pid


class Bench:
    """Makes the programs, ours and other people's, each of them once."""

    def __init__(self, args):
        self.args = args
        self.setup = support.Setup(args)
        self.out = self.setup.libs / "bench"
        self.out.mkdir(exist_ok=True)
        self.missing = []

    @functools.cache
    def compile(self, source, *flags, name=None):
        target = self.out / (name or pathlib.Path(source).stem)
        self.run_compiler("CC", "cc", [*CFLAGS, HERE / source, "-o", target, *flags])
        return target

    def run_compiler(self, variable, usual, arguments):
        command = [*shlex.split(os.environ.get(variable, usual)), *arguments]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode:
            support.die(f"{shlex.join(map(str, command))}\n{done.stderr}")

    def on_rt(self, source, libs=None, name=None, flags=()):
        libs = (libs or self.setup.libs).resolve()
        return self.compile(source, *flags, f"-I{ROOT / 'include'}", f"-L{libs}", f"-Wl,-rpath,{libs}",
                            "-ldill_ws", "-ldill_rt", name=name)

    def on_libdill(self, source):
        prefix = self.setup.libdill
        return self.compile(source, "-DOWN_WS", f"-I{prefix}/include", f"-L{prefix}/lib",
                            f"-Wl,-rpath,{prefix}/lib", "-ldill",
                            name=f"{pathlib.Path(source).stem}_libdill")

    def ours(self, *arguments):
        """Our echo server, and the same on another build, which need not know of options."""
        servers = [Server(OURS, [self.on_rt("echo.c"), *arguments])]
        if self.args.against:
            program = self.on_rt("echo.c", self.args.against, "echo_against", ["-DOWN_WS"])
            servers.append(Server("the other build", [program, *arguments]))
        return servers

    def holding(self, *arguments):
        """Our echo server, whose frames wait for others."""
        return Server(f"{OURS}, WS_HOLD", [self.on_rt("echo.c"), "-w", *arguments])

    def servers(self):
        servers = [*self.ours(), self.holding()]
        if self.setup.libdill:
            program = self.on_libdill("echo.c")
            preload = {"LD_PRELOAD": str(self.setup.libs / "libdill_ws.so.0")}
            servers.append(Server("libdill_ws on libdill", [program], preload))
            servers.append(Server("libdill's ws", [program]))
        else:
            self.missing.append("libdill (--libdill PREFIX)")
        return servers + ([] if self.args.few else self.others())

    def others(self):
        node, env = self.setup.node()
        return [
            *self.native(),
            Server("ws (Node)", [node, HERE / "peers/echo.js"], env),
            Server("websockets (Python)", [self.setup.python(), HERE / "peers/echo.py"])]

    def native(self):
        """Those that are compiled."""
        rust = self.rust()
        return [
            *self.uwebsockets("plain"), *self.libwebsockets(),
            Server("tokio-tungstenite", [rust, "tungstenite"]),
            Server("fastwebsockets", [rust, "fastwebsockets"]),
            Server("bare sockets", [self.compile("bare.c")])]

    def libwebsockets(self, *arguments):
        if not self.has("libwebsockets.h", "libwebsockets", "libwebsockets-dev"):
            return []
        program = self.compile("peers/echo_lws.c", "-lwebsockets", "-pthread")
        return [Server("libwebsockets", [program, *arguments])]

    def has(self, header, what, package):
        found = (pathlib.Path("/usr/include") / header).exists()
        if not found:
            self.missing.append(f"{what} ({package})")
        return found

    def uwebsockets(self, *arguments, name="uWebSockets"):
        headers = [("openssl/ssl.h", "libssl-dev"), ("zlib.h", "zlib1g-dev")]
        if not all(self.has(header, "uWebSockets", package) for header, package in headers):
            return []
        return [Server(name, [self.make_uwebsockets(), *arguments])]

    @functools.cache
    def make_uwebsockets(self):
        """From the source in a package of Rust's: linked with Rust it would use libuv instead of epoll."""
        done = subprocess.run(
            ["cargo", "metadata", "--locked", "--format-version=1", "--features=uwebsockets",
             f"--manifest-path={HERE / 'peers/rust/Cargo.toml'}"], capture_output=True, text=True)
        if done.returncode:
            support.die(f"no uWebSockets\n{done.stderr}")
        home = next(pathlib.Path(package["manifest_path"]).parent / "uWebSockets"
                    for package in json.loads(done.stdout)["packages"]
                    if package["name"] == "libuwebsockets-sys")
        sockets, program = home / "uSockets/src", self.out / "echo_uws"
        flags = ["-O3", "-flto=auto", "-w", "-DLIBUS_USE_OPENSSL", f"-I{sockets}", "-c"]
        objects = []
        for source in (path for place in ("", "eventing", "crypto") for path in (sockets / place).glob("*.c*")):
            objects.append(self.out / f"{source.name}.o")
            compiler = ("CXX", "c++") if source.suffix == ".cpp" else ("CC", "cc")
            self.run_compiler(*compiler, [*flags, source, "-o", objects[-1]])
        self.run_compiler("CXX", "c++", [
            *CXXFLAGS, "-DLIBUS_USE_OPENSSL", "-isystem", sockets, "-isystem", home / "src",
            HERE / "peers/echo_uws.cpp", *objects, "-o", program, "-lssl", "-lcrypto", "-lz", "-pthread"])
        return program

    def has_openssl(self):
        return self.has("openssl/ssl.h", "everything over TLS", "libssl-dev")

    def has_zlib(self):
        return self.has("zlib.h", "compressed messages and idle connections", "zlib1g-dev")

    def identity(self, name="good"):
        """A certificate and its key."""
        home = self.certificates()
        return [home / f"{name}.pem", home / f"{name}.key"]

    @functools.cache
    def certificates(self):
        home = self.out / "certificates"
        home.mkdir(exist_ok=True)
        subprocess.run([ROOT / "c-tests/harness/certificates.sh", home], check=True)
        return home

    def tls_servers(self, name="good"):
        identity = self.identity(name)
        servers = [*self.ours(*identity), self.holding(*identity)]
        if not self.args.few:
            rust = self.rust()
            servers += self.uwebsockets("plain", *identity, name="uWebSockets (OpenSSL)")
            servers.append(Server("tokio-tungstenite (rustls)", [rust, "tungstenite", *identity]))
            servers.append(Server("fastwebsockets (rustls)", [rust, "fastwebsockets", *identity]))
        return servers

    @functools.cache
    def rust(self):
        target = self.out / "rust"
        done = subprocess.run(
            ["cargo", "build", "--release", "--quiet", "--locked", "--manifest-path",
             str(HERE / "peers/rust/Cargo.toml"), "--target-dir", str(target)])
        if done.returncode:
            support.die("the Rust servers do not compile")
        return target / "release/echo"
