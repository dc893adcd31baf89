"""Compares what receiver.c and two other implementations make of the same streams. See run.py, which
starts this where those are installed."""

import argparse
import collections
import copy
import random
import struct
import subprocess
import sys
import tempfile

import differences
import seen
import streams

ROLES = {streams.CLIENT: "client", streams.SERVER: "server"}
# With fewer cases not every difference comes up.
ENOUGH = 50000
# So many differences are shown, and so much of each.
SHOWN = 5
SHOWN_CHARACTERS = 1000
SECONDS = 600
END = 2


def make_cases(args):
    numbers = range(args.cases) if args.only is None else [args.only]
    patiences = [streams.BLOCKING] if args.libdill else [streams.POLLING] * 3 + [streams.BLOCKING]
    return [streams.make(random.Random(f"{args.seed} {number}"), number, patiences) for number in numbers]


def encode(case):
    lengths = [len(piece) for piece in case.pieces]
    return struct.pack(f"<BBI{len(lengths)}I", case.role, case.patience, len(lengths), *lengths) + case.stream


class Answers:
    """What receiver.c has written, one by one."""

    def __init__(self, data):
        self.data, self.at = data, 0

    def next(self, role):
        messages = []
        while (kind := self._take("<B")) != END:
            messages.append((kind, self._bytes()))
        err, status = self._take("<I"), self._take("<i")
        return seen.ours(role, messages, err, status, self._bytes(), self._bytes())

    def _take(self, form):
        (value,) = struct.unpack_from(form, self.data, self.at)
        self.at += struct.calcsize(form)
        return value

    def _bytes(self):
        length = self._take("<I")
        self.at += length
        if self.at > len(self.data):
            raise struct.error
        return self.data[self.at - length:self.at]


class Results:
    def __init__(self):
        self.passed = self.failed = 0

    def take(self, name, good):
        self.passed += good
        self.failed += not good
        if not good:
            print(f"FAIL {name}", flush=True)


class Comparison:
    """Counts, by implementation and role, and by difference that explains something."""

    def __init__(self, args):
        self.seed = args.seed
        self.listed = differences.DIFFERENCES + (differences.ON_LIBDILL if args.libdill else [])
        self.unexplained = collections.Counter()
        self.explained = collections.Counter()

    def take(self, case, ours):
        for other, sees in seen.OTHERS.items():
            theirs = sees(case.role, case.pieces)
            if ours == theirs:
                continue
            difference = self.explain(other, case, ours)
            if difference:
                self.explained[difference.name] += 1
            else:
                self.unexplained[other, case.role] += 1
                if self.unexplained.total() <= SHOWN:
                    self._show(case, ours, other, theirs)

    def explain(self, other, case, ours):
        def sees(pieces):
            return seen.OTHERS[other](case.role, pieces)
        return differences.explain(self.listed, other, case.stream, sees, ours)

    def _show(self, case, ours, other, theirs):
        print(f"case {case.number} (run.py --seed {self.seed} --only {case.number}), {ROLES[case.role]}, "
              f"{'blocking' if case.patience else 'polling'}, {', '.join(case.story)}")
        print(f"  stream: {' '.join(piece.hex() for piece in case.pieces)[:SHOWN_CHARACTERS]}")
        for name, result in (("ours", ours), (other, theirs)):
            print(f"  {name}: {str(result)[:SHOWN_CHARACTERS]}")


def without_a_message(wrong):
    del wrong.messages[-1]


def with_another_message(wrong):
    kind, data = wrong.messages[-1]
    wrong.messages[-1] = kind, data + b"!"


def with_another_end(wrong):
    wrong.end = ("closed", 3001, "")


def with_another_code(wrong):
    wrong.sent[-1] = "close", 3001, ""


def without_a_pong(wrong):
    wrong.sent.remove(next(frame for frame in wrong.sent if frame[0] == "pong"))


SPOILT = [without_a_message, with_another_message, with_another_end, with_another_code, without_a_pong]


def controls(results, comparison, cases, answers):
    """Whatever is wrong in an answer has to be noticed, and no difference may explain it."""
    for spoil in SPOILT:
        spoilt = missed = 0
        for case, ours in zip(cases, answers):
            wrong = copy.deepcopy(ours)
            try:
                spoil(wrong)
            except (IndexError, StopIteration):
                continue
            spoilt += 1
            for other, sees in seen.OTHERS.items():
                theirs = sees(case.role, case.pieces)
                missed += wrong == theirs or comparison.explain(other, case, wrong) is not None
            if spoilt == 50:
                break
        results.take(f"a control: {spoilt} answers {spoil.__name__.replace('_', ' ')}, {missed} not noticed",
                     spoilt == 50 and missed == 0)


def report(results, comparison, count):
    for other in seen.OTHERS:
        for role, name in ROLES.items():
            bad = comparison.unexplained[other, role]
            results.take(f"{bad} differences from {other} as a {name} that nothing explains", not bad)
    for difference in comparison.listed:
        times = comparison.explained[difference.name]
        print(f"{times:6} times: {difference.name} (RFC 6455, section {difference.section})")
        if count >= ENOUGH:
            results.take(f"{difference.name}: explains nothing", times > 0)


def ask(receiver, cases):
    """What the receiver answers, and how it ends."""
    with tempfile.TemporaryFile() as asked, tempfile.TemporaryFile() as answered:
        asked.writelines(map(encode, cases))
        asked.seek(0)
        try:
            status = subprocess.run([receiver], stdin=asked, stdout=answered, timeout=SECONDS).returncode
        except subprocess.TimeoutExpired:
            status = f"nothing after {SECONDS} s"
        answered.seek(0)
        return Answers(answered.read()), status


def run(args):
    results, comparison = Results(), Comparison(args)
    cases, answers = make_cases(args), []
    reader, status = ask(args.receiver, cases)
    try:
        for case in cases:
            answers.append(reader.next(case.role))
            comparison.take(case, answers[-1])
    except struct.error:
        print(f"the receiver does not answer case {cases[len(answers)].number}")
    results.take(f"the receiver ends with {status}", status == 0 and len(answers) == len(cases))
    if args.only is None:
        controls(results, comparison, cases, answers)
    report(results, comparison, len(cases))
    return results


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("receiver")
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--cases", type=int, required=True)
    parser.add_argument("--only", type=int)
    parser.add_argument("--libdill", action="store_true")
    args = parser.parse_args()
    print(f"seed {args.seed}, {args.cases} cases", flush=True)
    results = run(args)
    print(f"{results.passed} passed, {results.failed} failed")
    return 1 if results.failed or not results.passed else 0


if __name__ == "__main__":
    sys.exit(main())
