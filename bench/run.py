#!/usr/bin/env python3
"""Measures libdill_ws beside other implementations, and prints tables.

Everything that is compared runs in turns: one short run of each, then again. A table has the median of
the rounds, and of the ratios within the rounds. So what else the machine does meanwhile concerns all
alike. The processor time that a server spends on a message depends less on that than the rate does.

Server and load share one processor. On two, what a round trip takes is mostly how long an idle
processor needs to wake up, and where the system happens to put the two.
"""

import contextlib
import functools
import os
import pathlib
import re
import resource
import shutil
import signal
import statistics
import subprocess
import sys
import time

from servers import HERE, OURS, Bench, Server, support
from tables import number, relative, table

# Title, connections, bytes of a message, messages at once.
LOADS = [
    ("32 B", 1, 32, 1), ("32 B × 100 conn.", 100, 32, 1), ("32 B × 100 conn., 16 at once", 100, 32, 16),
    ("1 KiB × 10 conn.", 10, 1024, 1), ("64 KiB × 10 conn.", 10, 65536, 1),
    ("1 MiB × 4 conn.", 4, 1 << 20, 1),
]
MANY = [(f"{count:,} conn.", count, 32, 1) for count in (100, 1000, 5000, 10000)]
# Title, connections, bytes, and who may refer to earlier messages.
DEFLATED = [
    ("128 B × 100, no takeover", 100, 128, "alone"), ("1 KiB × 10, no takeover", 10, 1024, "alone"),
    ("16 KiB × 10, no takeover", 10, 16384, "alone"), ("128 B × 100, takeover", 100, 128, "takeover"),
]
LEVELS = [2, 6]
IDLE = 1000
SECTIONS = ["echo", "tls", "connections", "instructions", "deflate", "idle", "calls", "broadcast", "functions",
            "turns", "scale"]
# Samples a second of where a server is, in itself or in the system.
SAMPLES = 5000


def run_load(program, server, connections, size, depth, seconds, watch=contextlib.nullcontext):
    """Messages, messages per second, and µs of processor time for each; none if it fails. `watch` makes
    what watches the server meanwhile."""
    command = [program, server.running.port, server.pid, connections, size, depth, seconds]
    running = subprocess.Popen([str(word) for word in command], text=True,
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if running.stdout.readline() == "ready\n":
        with watch():
            result = running.communicate("\n")[0]
    else:
        result = running.communicate()[0]
    return None if running.returncode else [float(word) for word in result.split()]


def has_samples(bench):
    sample = ["perf", "record", "--quiet", "--event=cpu-clock", f"--output={bench.out / 'samples'}", "true"]
    found = shutil.which("perf") and not subprocess.run(sample, capture_output=True).returncode
    if not found:
        bench.missing.append("user time by perf (linux-perf, as root)")
    return found


def user_share(bench, program, server, load):
    """The part of a server's processor time that it spends in itself: samples know better than the ticks
    of the system's clock."""
    samples = bench.out / "samples"
    run_load(program, server, *load, 4 * bench.args.seconds, functools.partial(watched, [
        "perf", "record", "--quiet", "--event=cpu-clock", f"--freq={SAMPLES}", f"--output={samples}",
        f"--pid={server.pid}"]))
    places = subprocess.run(["perf", "script", f"--input={samples}", "--fields=ip"],
                            capture_output=True, text=True).stdout.split()
    inside = sum(int(place, 16) < 1 << 63 for place in places)
    return inside / len(places) if places else None


@contextlib.contextmanager
def watched(command):
    """While perf watches a server."""
    watcher = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    time.sleep(0.3)
    yield
    watcher.send_signal(signal.SIGINT)
    watcher.wait()


def echo(bench):
    compare(bench, bench.compile("load.c"), bench.servers(), LOADS, "")


def tls(bench):
    if not bench.has_openssl():
        return
    program = bench.compile("load.c", "-DOVER_TLS", "-lssl", "-lcrypto", name="load_tls")
    compare(bench, program, bench.tls_servers(), LOADS[1:], " over TLS")


def connections(bench):
    """With messages of 32 B on more and more connections."""
    few = [OURS, "the other build", "uWebSockets", "fastwebsockets", "bare sockets"]
    servers = bench.ours("-b", "256") + ([] if bench.args.few else bench.native())
    servers = [server for server in servers if server.name in few]
    compare(bench, bench.compile("load.c"), servers, MANY, ", by the number of connections")


def in_turn(servers, turn):
    """Beginning with another one each time, so that nobody always follows the same."""
    first = turn % len(servers)
    return servers[first:] + servers[:first]


def compare(bench, program, servers, loads, how):
    rate = {(s.name, load): [] for s in servers for load in loads}
    cost = {key: [] for key in rate}
    user = {key: [] for key in rate}
    samples = has_samples(bench)
    for server in servers:
        server.start()
    for load in loads:
        works = in_turn(servers, loads.index(load))
        for _ in range(bench.args.rounds):
            for server in list(works):
                result = run_load(program, server, *load[1:], bench.args.seconds)
                if result is None:
                    works.remove(server)
                rate[server.name, load].append(result and result[1])
                cost[server.name, load].append(result and result[2])
        for server in works if samples else []:
            share = user_share(bench, program, server, load[1:])
            spent = statistics.median(cost[server.name, load])
            user[server.name, load].append(share and share * spent)
        print(f"# {load[0]}: done", file=sys.stderr)
    for server in servers:
        server.running.__exit__()
    head = ["", *(load[0] for load in loads)]
    titles = [
        (f"Messages per second sent and echoed{how} (in brackets: relative to ours; more is better)", rate),
        (f"Processor time of the server for each{how}, µs (relative to ours; less is better)", cost)]
    if samples:
        titles.append((f"Of it in the program itself{how}, µs (relative to ours; less is better)", user))
    for title, values in titles:
        table(title, head, [
            [server.name, *(relative(values[server.name, load], values[OURS, load])
                            for load in loads)] for server in servers])


def instructions(bench):
    """Instructions of the servers themselves, without the system's, counted by valgrind."""
    if not shutil.which("valgrind"):
        bench.missing.append("instructions (valgrind)")
        return
    program = bench.compile("load.c")
    loads = [LOADS[0], LOADS[1], LOADS[3]]
    rows = []
    for server in bench.ours("-b", "65536") + ([] if bench.args.few else bench.native()):
        counts = [count_instructions(bench, program, server, load[1:]) for load in loads]
        rows.append([server.name, *(number(count) for count in counts)])
    table("Instructions of the server for each message, without the system's",
          ["", *(load[0] for load in loads)], rows)


def count_instructions(bench, program, server, load):
    """What a run with many messages takes more than one with the first round only."""
    report = bench.out / "valgrind"
    under = ["valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null",
             f"--log-file={report}"]
    totals, messages = [], 0
    for seconds in (0, 2 * bench.args.seconds):
        with server.start(under):
            result = run_load(program, server, *load, seconds)
            messages = result[0] if result else 0
        refs = re.search(r"I\s+refs:\s+([\d,]+)", report.read_text())
        totals.append(int(refs[1].replace(",", "")))
    return (totals[1] - totals[0]) / messages


def deflate(bench):
    """With compression."""
    if not bench.has_zlib():
        return
    program = bench.compile("json.c", "-D_GNU_SOURCE", "-lz")
    servers = deflate_servers(bench)
    spent = {(s.name, load): [] for s in servers for load in DEFLATED}
    back = {key: [] for key in spent}
    for load in DEFLATED:
        for _ in range(bench.args.rounds):
            for server in in_turn(servers, DEFLATED.index(load)):
                with server.start():
                    result = exchange(program, server, *load[1:], bench.args.seconds)
                spent[server.name, load].append(result and result[2])
                back[server.name, load].append(result and result[3])
        print(f"# {load[0]}: done", file=sys.stderr)
    ours = servers[0].name
    cell = lambda key: f"{relative(spent[key], spent[ours, key[1]])}; {statistics.median(back[key]):.0f}" if all(
        spent[key]) else "–"
    rows = [[server.name, *(cell((server.name, load)) for load in DEFLATED),
             " / ".join(number(occupied(program, server, mode)) for mode in ("plain", "alone", "takeover"))]
            for server in servers]
    table("Processor time of the server for a message of JSON, µs (relative to ours; less is better); "
          "bytes sent back", ["", *(load[0] for load in DEFLATED),
                              "KiB an idle connection: plain / no takeover / takeover"], rows)


def deflate_servers(bench):
    program = bench.on_rt("echo.c", name="echo_deflate", flags=["-DDEFLATE"])
    servers = [Server(OURS, [program, "-b", "65536"])]
    servers += [Server(f"{OURS}, level {level}", [program, "-b", "65536", "-l", level])
                for level in LEVELS]
    if bench.args.few:
        return servers
    rust = bench.rust()
    node, env = bench.setup.node()
    return servers + [
        *bench.uwebsockets("shared", name="uWebSockets, shared"),
        *bench.uwebsockets("dedicated", name="uWebSockets, dedicated 8 KiB"),
        *bench.libwebsockets("deflate"),
        Server("yawc, pooled", [rust, "yawc"]), Server("yawc, pooled, level 1", [rust, "yawc-fast"]),
        Server("ws (Node)", [node, HERE / "peers/echo.js", "deflate"], env),
        Server("websockets (Python)", [bench.setup.python(), HERE / "peers/echo.py", "deflate"])]


def exchange(program, server, count, size, mode, seconds):
    """KiB for each connection, µs for its set-up, and, with seconds, µs for a message and bytes of a reply;
    none if it fails."""
    done = subprocess.run(
        [str(word) for word in (program, server.running.port, server.pid, count, size, mode, seconds)],
        capture_output=True, text=True)
    return None if done.returncode else [float(word) for word in done.stdout.split()]


def occupied(program, server, mode):
    """KiB for a connection that has had one message."""
    with server.start():
        result = exchange(program, server, IDLE, 128, mode, 0)
    return result and result[0]


def idle(bench):
    """What a connection costs to set up and to keep."""
    if not bench.has_zlib() or not bench.has_openssl():
        return
    plain = bench.compile("json.c", "-D_GNU_SOURCE", "-lz")
    secure = bench.compile("json.c", "-D_GNU_SOURCE", "-DOVER_TLS", "-lz", "-lssl", "-lcrypto", name="json_tls")
    columns = [("plain", plain, bench.ours("-b", "256") + ([] if bench.args.few else bench.native()))]
    columns += [(f"TLS, {kind}", secure, bench.tls_servers(name))
                for kind, name in (("P-256", "good"), ("RSA-2048", "rsa"))]
    kib, spent = {}, {}
    for title, program, servers in columns:
        for server in servers * bench.args.rounds:
            with server.start():
                result = exchange(program, server, IDLE, 128, "plain", 0)
            key = server.name.split(" (")[0], title
            kib[key] = result and result[0]
            spent.setdefault(key, []).append(result and result[1])
    names = dict.fromkeys(name for name, _ in spent)
    titles = [title for title, _, _ in columns]
    table("A connection: µs of the server's processor for its set-up and first message (relative to ours); "
          "KiB that it occupies then", ["", *titles],
          [[name, *(f"{relative(spent.get((name, title)), spent[OURS, title])}; {number(kib.get((name, title)))}"
                    for title in titles)] for name in names])


def calls(bench):
    """System calls of a server, counted by the kernel: a tracer would slow it down and change them."""
    count = ["perf", "stat", "--field-separator=,", "--event=raw_syscalls:sys_enter"]
    if not shutil.which("perf") or subprocess.run([*count, "true"], capture_output=True).returncode:
        bench.missing.append("system calls by perf (linux-perf, as root)")
        return
    program = bench.compile("load.c")
    loads = [("1 connection", 1, 32, 1), ("100 connections", 100, 32, 1), ("16 at once", 100, 32, 16)]
    rows = []
    for server in bench.servers():
        row = [server.name]
        for _, *load in loads:
            report = bench.out / "calls"
            with server.start():
                result = run_load(program, server, *load, bench.args.seconds, functools.partial(
                    watched, [*count, f"--output={report}", f"--pid={server.pid}"]))
            total = re.search(r"^(\d+),.*sys_enter", report.read_text(), re.M)
            row.append(f"{int(total[1]) / result[0]:.2f}" if result and total else "–")
        rows.append(row)
    table("System calls of the server per message of 32 B", ["", *(load[0] for load in loads)], rows)


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
        for name, program in list(programs.items()):
            done = subprocess.run([str(program)], stdout=subprocess.PIPE, text=True)
            if done.returncode:
                # Its byte stream speaks this version's extension of hosts.
                bench.missing.append(f"the functions of {name}")
                del programs[name]
            for line in done.stdout.splitlines() if name in programs else []:
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
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    for section in args.sections or SECTIONS:
        globals()[section](bench)
    for thing in dict.fromkeys(bench.missing):
        print(f"\nNot compared with {thing}: not there.")


main()
