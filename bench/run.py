#!/usr/bin/env python3
"""Measures libdill_ws beside other implementations, and prints tables.

Everything that is compared runs in turns: one short run of each, then again. A table has the median of
the rounds, and of the ratios within the rounds. So what else the machine does meanwhile concerns all
alike. The processor time that a server spends on a message depends less on that than the rate does.

Server and load share one processor. On two, what a round trip takes is mostly how long an idle
processor needs to wake up, and where the system happens to put the two.
"""

import os
import pathlib
import re
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import time

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent
sys.path.insert(0, str(ROOT / "c-tests/peers"))
import support  # noqa: E402

CFLAGS = ["-std=gnu11", "-Wall", "-Wextra", "-Werror", "-O2"]
OURS = "libdill_ws"
# Title, connections, bytes of a message, messages at once.
LOADS = [
    ("64 B", 1, 64, 1), ("1 KiB", 1, 1024, 1), ("16 KiB", 1, 16384, 1),
    ("64 B × 64 conn.", 64, 64, 1), ("1 KiB × 64 conn.", 64, 1024, 1),
    ("16 KiB × 64 conn.", 64, 16384, 1),
    ("64 KiB", 1, 65536, 1), ("1 MiB", 1, 1 << 20, 1),
    ("64 B, 64 at once", 1, 64, 64), ("128 B × 100 conn., 16 at once", 100, 128, 16),
]
# The same over TLS.
TLS_LOADS = [
    ("32 B × 100 conn.", 100, 32, 1), ("32 B × 100 conn., 16 at once", 100, 32, 16),
    ("1 KiB × 10 conn.", 10, 1024, 1), ("64 KiB × 10 conn.", 10, 65536, 1),
    ("1 MiB × 4 conn.", 4, 1 << 20, 1),
]
SECTIONS = ["echo", "tls", "calls", "broadcast", "functions", "turns", "scale"]
STUCK_SECONDS = 60


class Server:
    def __init__(self, name, command, env=None):
        self.name, self.command, self.env = name, command, env

    def start(self):
        self.running = support.Server(self.command, self.env)
        return self.running

    @property
    def pid(self):
        return self.running.process.pid


class Bench:
    def __init__(self, args):
        self.args = args
        self.setup = support.Setup(args)
        self.out = self.setup.libs / "bench"
        self.out.mkdir(exist_ok=True)
        self.missing = []

    def compile(self, source, *flags, name=None):
        target = self.out / (name or pathlib.Path(source).stem)
        command = [*shlex.split(os.environ.get("CC", "cc")), *CFLAGS, HERE / source, "-o", target,
                   *flags]
        done = subprocess.run([str(word) for word in command], capture_output=True, text=True)
        if done.returncode:
            support.die(f"{source} does not compile\n{done.stderr}")
        return target

    def on_rt(self, source, libs=None, name=None, flags=()):
        libs = (libs or self.setup.libs).resolve()
        return self.compile(source, *flags, f"-I{ROOT / 'include'}", f"-L{libs}", f"-Wl,-rpath,{libs}",
                            "-ldill_ws", "-ldill_rt", name=name)

    def on_libdill(self, source):
        prefix = self.setup.libdill
        return self.compile(source, "-DOWN_WS", f"-I{prefix}/include", f"-L{prefix}/lib",
                            f"-Wl,-rpath,{prefix}/lib", "-ldill",
                            name=f"{pathlib.Path(source).stem}_libdill")

    def servers(self):
        echo = self.on_rt("echo.c")
        servers = [Server(OURS, [echo]), Server(f"{OURS}, WS_HOLD", [echo, "hold"])]
        if self.args.against:
            program = self.on_rt("echo.c", self.args.against, "echo_against")
            servers.append(Server("the other build", [program]))
        if self.setup.libdill:
            program = self.on_libdill("echo.c")
            preload = {"LD_PRELOAD": str(self.setup.libs / "libdill_ws.so.0")}
            servers.append(Server("libdill_ws on libdill", [program], preload))
            servers.append(Server("libdill's ws", [program]))
        else:
            self.missing.append("libdill (--libdill PREFIX)")
        return servers + ([] if self.args.few else self.others())

    def others(self):
        servers = []
        if (pathlib.Path("/usr/include") / "libwebsockets.h").exists():
            program = self.compile("peers/echo_lws.c", "-lwebsockets", "-pthread")
            servers.append(Server("libwebsockets", [program]))
        else:
            self.missing.append("libwebsockets (libwebsockets-dev)")
        rust = self.rust()
        servers.append(Server("tokio-tungstenite", [rust, "tungstenite"]))
        servers.append(Server("fastwebsockets", [rust, "fastwebsockets"]))
        node, env = self.setup.node()
        servers.append(Server("ws (Node)", [node, HERE / "peers/echo.js"], env))
        servers.append(Server("websockets (Python)", [self.setup.python(), HERE / "peers/echo.py"]))
        servers.append(Server("bare sockets", [self.compile("bare.c")]))
        return servers

    def has_openssl(self):
        found = (pathlib.Path("/usr/include") / "openssl/ssl.h").exists()
        if not found:
            self.missing.append("everything over TLS (libssl-dev)")
        return found

    def identity(self):
        """A certificate and its key."""
        home = self.out / "certificates"
        home.mkdir(exist_ok=True)
        subprocess.run([ROOT / "c-tests/harness/certificates.sh", home], check=True)
        return [home / "good.pem", home / "good.key"]

    def tls_servers(self):
        identity = self.identity()
        echo = self.on_rt("echo.c")
        servers = [Server(OURS, [echo, *identity]), Server(f"{OURS}, WS_HOLD", [echo, "hold", *identity])]
        if self.args.against:
            program = self.on_rt("echo.c", self.args.against, "echo_against")
            servers.append(Server("the other build", [program, *identity]))
        if not self.args.few:
            rust = self.rust()
            servers.append(Server("tokio-tungstenite (rustls)", [rust, "tungstenite", *identity]))
            servers.append(Server("fastwebsockets (rustls)", [rust, "fastwebsockets", *identity]))
        return servers

    def rust(self):
        target = self.out / "rust"
        done = subprocess.run(
            ["cargo", "build", "--release", "--quiet", "--locked", "--manifest-path",
             str(HERE / "peers/rust/Cargo.toml"), "--target-dir", str(target)])
        if done.returncode:
            support.die("the Rust servers do not compile")
        return target / "release/echo"

    def load(self, program, server, connections, size, depth, seconds):
        """Messages, messages per second, and µs of processor time for each; none if it fails."""
        try:
            done = subprocess.run(
                [str(word) for word in (program, server.running.port, server.pid,
                                        connections, size, depth, seconds)],
                capture_output=True, text=True, timeout=STUCK_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        if done.returncode:
            return None
        return [float(word) for word in done.stdout.split()]


def table(title, head, rows):
    print(f"\n{title}\n\n| {' | '.join(head)} |\n|{'---|' * len(head)}")
    for row in rows:
        print(f"| {' | '.join(row)} |")
    sys.stdout.flush()


def number(value):
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.3g}"


def relative(rows, ours):
    """The median of the values, and of their ratios to ours in the same round."""
    if not rows or None in rows:
        return "–"
    ratio = statistics.median(row / our for row, our in zip(rows, ours))
    return f"{number(statistics.median(rows))} ({ratio:.2f})"


def echo(bench):
    compare(bench, bench.compile("load.c"), bench.servers(), LOADS, "")


def tls(bench):
    if not bench.has_openssl():
        return
    program = bench.compile("load.c", "-DOVER_TLS", "-lssl", "-lcrypto", name="load_tls")
    compare(bench, program, bench.tls_servers(), TLS_LOADS, " over TLS")


def compare(bench, program, servers, loads, how):
    rate = {(s.name, load): [] for s in servers for load in loads}
    cost = {key: [] for key in rate}
    for server in servers:
        server.start()
    for load in loads:
        works = list(servers)
        for _ in range(bench.args.rounds):
            for server in list(works):
                result = bench.load(program, server, *load[1:], bench.args.seconds)
                if result is None:
                    works.remove(server)
                rate[server.name, load].append(result and result[1])
                cost[server.name, load].append(result and result[2])
        print(f"# {load[0]}: done", file=sys.stderr)
        # Turn by turn, so that nobody always follows the same.
        servers.append(servers.pop(0))
    for server in servers:
        server.running.__exit__()
    servers.sort(key=lambda server: server.name != OURS)
    head = ["", *(load[0] for load in loads)]
    for title, values in (
            (f"Messages per second sent and echoed{how} (in brackets: relative to ours; more is better)",
             rate),
            (f"Processor time of the server for each{how}, µs (relative to ours; less is better)", cost)):
        table(title, head, [
            [server.name, *(relative(values[server.name, load], values[OURS, load])
                            for load in loads)] for server in servers])


def calls(bench):
    """System calls of a server, counted by the kernel: a tracer would slow it down and change them."""
    count = ["perf", "stat", "--field-separator=,", "--event=raw_syscalls:sys_enter"]
    if not shutil.which("perf") or subprocess.run([*count, "true"], capture_output=True).returncode:
        bench.missing.append("system calls by perf (linux-perf, as root)")
        return
    program = bench.compile("load.c")
    loads = [("1 connection", 1, 64, 1), ("64 connections", 64, 64, 1), ("64 at once", 1, 64, 64)]
    rows = []
    for server in bench.servers():
        row = [server.name]
        for _, *load in loads:
            with server.start():
                bench.load(program, server, *load, 0)
                report = bench.out / "calls"
                counter = subprocess.Popen([*count, f"--output={report}", f"--pid={server.pid}"])
                time.sleep(0.3)
                result = bench.load(program, server, *load, bench.args.seconds)
                counter.send_signal(signal.SIGINT)
                counter.wait()
            total = re.search(r"^(\d+),.*sys_enter", report.read_text(), re.M)
            row.append(f"{int(total[1]) / result[0]:.2f}" if result and total else "–")
        rows.append(row)
    table("System calls of the server per message of 64 B", ["", *(load[0] for load in loads)], rows)


# Clients, messages at once, and how many clients do not receive.
BROADCASTS = [(1000, 1, 0), (1000, 16, 0), (5000, 1, 0), (5000, 16, 0), (1000, 16, 1), (1000, 16, 100)]


def broadcast(bench):
    """The same for many, bare, by a loop of ws_send, and posted."""
    program = bench.on_rt("broadcast.c")
    modes = {"bare": "bare sockets", "send": "a loop of `ws_send`", "post": "`ws_post`"}
    found = {}
    for _ in range(bench.args.rounds):
        for case in BROADCASTS:
            for mode in modes:
                command = [program, mode, *case, bench.args.seconds]
                done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True, check=True)
                found.setdefault((mode, case), []).append([float(word) for word in done.stdout.split()])
    head = ["clients, at once, stuck", *modes.values()]
    for title, column in (("Messages of 128 B delivered per second (relative to bare sockets; more is better)", 1),
                          ("Processor time for each, µs (relative; less is better)", 2)):
        values = {key: [row[column] for row in rows] for key, rows in found.items()}
        table(title, head, [
            [f"{clients:,}, {burst}, {stuck}",
             *(relative(values[mode, (clients, burst, stuck)], values["bare", (clients, burst, stuck)])
               for mode in modes)] for clients, burst, stuck in BROADCASTS])
    table("Memory that it takes, KiB", head, [
        [f"{clients:,}, {burst}, {stuck}",
         *(number(max(row[3] for row in found[mode, (clients, burst, stuck)])) for mode in modes)]
        for clients, burst, stuck in BROADCASTS])


def functions(bench):
    """What the functions cost without a network."""
    programs = {OURS: bench.on_rt("inprocess.c")}
    if bench.args.against:
        programs["the other build"] = bench.on_rt("inprocess.c", bench.args.against,
                                                  "inprocess_against")
    if bench.setup.libdill:
        programs["libdill's ws"] = bench.on_libdill("inprocess.c")
    found = {name: {} for name in programs}
    for _ in range(bench.args.rounds):
        for name, program in programs.items():
            done = subprocess.run([str(program)], stdout=subprocess.PIPE, text=True, check=True)
            for line in done.stdout.splitlines():
                what, size, time = line.split()
                found[name].setdefault((what, int(size)), []).append(float(time))
    ours = found[OURS]
    rows = []
    for (what, size), times in ours.items():
        cells = [f"{number(statistics.median(times))}"]
        cells.append(f"{statistics.median(times) / statistics.median(ours['memcpy', size]):.2f}")
        cells += [relative(found[name][what, size], times) for name in programs if name != OURS]
        rows.append([what, f"{size:,}", *cells])
    table("Nanoseconds for each message, without a network",
          ["", "bytes", OURS, "times memcpy", *(name for name in programs if name != OURS)], rows)


# What turns.c measures.
TURNS = {
    "sleeper": "a sleeper wakes so late, beside a coroutine that works 20 ms at a time (ms)",
    "echo": "one byte there and back, beside the same (ms)",
    "head": "an HTTP head of 8,000 bytes, beside ten that work 1 ms at a time (ms)",
    "turns": "turns of others in 100 `http_recvfield` whose bytes have arrived",
}


def turns(bench):
    """How long coroutines wait for their turn, and how often others run where none need wait."""
    programs = {OURS: bench.on_rt("turns.c")}
    if bench.args.against:
        programs["the other build"] = bench.on_rt("turns.c", bench.args.against, "turns_against")
    if bench.setup.libdill:
        programs["libdill"] = bench.on_libdill("turns.c")
    found = {}
    for name, program in programs.items():
        done = subprocess.run([str(program)], stdout=subprocess.PIPE, text=True, check=True)
        found[name] = dict(line.split() for line in done.stdout.splitlines())
    table("Turns of coroutines (medians)", ["", *programs],
          [[title, *(found[name][what] for name in programs)] for what, title in TURNS.items()])


def scale(bench):
    for name in ("coroutines", "idle"):
        print_results(name, [bench.on_rt(f"{name}.c")])
    if bench.has_openssl():
        flags = ["-DOVER_TLS", "-lssl", "-lcrypto"]
        program = bench.on_rt("idle.c", name="idle_tls", flags=flags)
        print_results("idle over TLS", [program, "2000", *bench.identity()])


def print_results(name, command):
    print()
    done = subprocess.run([str(word) for word in command], stdout=subprocess.PIPE, text=True)
    print(done.stdout.rstrip() if done.returncode == 0 else f"{name}: failed")
    sys.stdout.flush()


def main():
    parser = support.arguments(__doc__.splitlines()[0], out="for other people's packages; ",
                               libdill="compare with this installed libdill too")
    parser.add_argument("sections", nargs="*", metavar="SECTION", help=", ".join(SECTIONS))
    parser.add_argument("--against", type=pathlib.Path, metavar="DIR",
                        help="another build of our libraries to compare with")
    parser.add_argument("--few", action="store_true", help="without other implementations")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=0.25, help="for each run")
    args = parser.parse_args()
    if unknown := set(args.sections) - set(SECTIONS):
        parser.error(f"no section {', '.join(unknown)}")
    bench = Bench(args)
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for section in args.sections or SECTIONS:
        globals()[section](bench)
    for thing in dict.fromkeys(bench.missing):
        print(f"\nNot compared with {thing}: not there.")


main()
