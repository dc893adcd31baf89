#!/usr/bin/env python3
"""Runs the Autobahn test suite against the C echo server and the C client of this directory.

The outcome of every case is compared with expected.json, and the tables in docs/autobahn.md with
the outcomes: any difference, better or worse, is a failure.
"""

import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "peers"))

import report  # noqa: E402
import support  # noqa: E402

DOCUMENT = support.ROOT / "docs/autobahn.md"
BEGIN, END = "<!-- Made by c-tests/autobahn/run.py. -->\n\n", "\n\n<!-- End. -->"
# For all cases of one role.
SECONDS = 600


def run_suite(python, role, subject):
    try:
        done = subprocess.run([str(word) for word in (python, HERE / "suite.py", role, subject)],
                              stdout=subprocess.PIPE, timeout=SECONDS)
    except subprocess.TimeoutExpired:
        support.die(f"the {role} has not finished after {SECONDS} s")
    if done.returncode:
        support.die(f"the suite for the {role} ended with {done.returncode}")
    return json.loads(done.stdout)


def run_roles(setup):
    """The suite's results by role and case."""
    python = setup.python()
    client = setup.program("autobahn/autobahn_client.c")
    with support.Server([setup.program("peers/echo_server.c"), "15"]) as server:
        results = {"server": run_suite(python, "server", server.port)}
    if server.status:
        support.die(f"the echo server ended with {server.status}")
    results["client"] = run_suite(python, "client", client)
    return results


def print_times(role, results):
    """The cases 9.* measure; the suite gives each of them 10 to 480 seconds."""
    times = {case: result["duration"] for case, result in results.items() if case.startswith("9.")}
    slowest = max(times, key=times.get)
    print(f"{role}: the {len(times)} cases 9.* took {sum(times.values())} ms together, "
          f"the slowest, {slowest}, {times[slowest]} ms")


def expected_outcomes(args, outcomes):
    packed = json.loads(args.expected.read_text())
    expected = {role: report.unpack(packed[role]) for role in report.ROLES}
    if args.libdill:
        expected = {role: {case: report.on_libdill(case, out, outcomes[role].get(case))
                           for case, out in cases.items()}
                    for role, cases in expected.items()}
    return expected


def differences(outcomes, expected):
    """A line for every case that is not as expected, and the number of the others."""
    lines, same = [], 0
    for role in report.ROLES:
        for case in sorted({*outcomes[role], *expected[role]}, key=report.numbers):
            got, want = (all[role].get(case, "no such case") for all in (outcomes, expected))
            same += got == want
            if got != want:
                lines.append(f"FAIL {role} {case}: {got}; expected: {want}")
    return lines, same


def notices(outcomes):
    """A control: does the comparison notice one outcome that is better, and a case that is gone?"""
    changed = {role: dict(cases) for role, cases in outcomes.items()}
    changed["server"]["12.1.1"] = "UNIMPLEMENTED, closing OK, 1000"
    del changed["client"]["1.1.1"]
    return len(differences(changed, outcomes)[0]) == 2


def split_document():
    """What stands before the tables, the tables, and what follows."""
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    tables, _, after = rest.partition(END)
    return before, tables, after


def main():
    parser = support.arguments(__doc__)
    parser.add_argument("--expected", type=pathlib.Path, default=HERE / "expected.json",
                        help="expected outcomes (default: expected.json here)")
    parser.add_argument("--write", action="store_true",
                        help="make the outcomes the expected ones, here and in docs/autobahn.md")
    args = parser.parse_args()
    if args.write and args.libdill:
        parser.error("what is expected are the outcomes on libdill_rt")
    results = run_roles(support.Setup(args))
    outcomes = {}
    for role in report.ROLES:
        print_times(role, results[role])
        outcomes[role] = {case: report.outcome(result) for case, result in results[role].items()}
    if args.write:
        packed = {role: report.pack(outcomes[role]) for role in report.ROLES}
        args.expected.write_text(json.dumps(packed, indent=1) + "\n")
        before, _, after = split_document()
        DOCUMENT.write_text(before + BEGIN + report.tables(outcomes) + END + after)
    lines, passed = differences(outcomes, expected_outcomes(args, outcomes))
    checks = {"control: the comparison notices a change": notices(outcomes)}
    if not args.libdill:
        checks[f"the tables in {DOCUMENT.name} are those of the outcomes"] = (
            split_document()[1] == report.tables(outcomes))
    passed += sum(checks.values())
    lines += [f"FAIL {what}" for what, good in checks.items() if not good]
    print("\n".join([*lines, f"{passed} passed, {len(lines)} failed"]))
    return 1 if lines else 0


sys.exit(main())
