"""Outcomes of cases: short forms of what the suite says, files of them, and the tables made from them.

An outcome is `BEHAVIOR, closing BEHAVIOR, CODE`: the two verdicts and the code of the close frame
that came from the program under test.
"""

import collections

SECTIONS = {
    "1": "Framing",
    "2": "Pings and pongs",
    "3": "Reserved bits",
    "4": "Opcodes",
    "5": "Fragmentation",
    "6": "UTF-8",
    "7": "Closing",
    "9": "Limits and performance",
    "10": "Other",
    "12": "Compression, several data sets",
    "13": "Compression, several parameters",
}
BEHAVIORS = ["OK", "NON-STRICT", "INFORMATIONAL", "UNIMPLEMENTED"]
ROLES = {"server": "The server", "client": "The client"}

# In these cases the suite goes on sending behind the violation. On libdill the program closes a connection
# with bytes that nobody has read, so TCP resets it, and the reset may overtake the close frame.
OVERTAKEN = {"3.2", "3.3", "3.4", "4.1.3", "4.1.4", "4.1.5", "4.2.3", "4.2.4", "4.2.5", "5.15"}

# libdill's byte streams deliver exact amounts, so a frame is looked at when it is complete.
NOT_STRICT_ON_LIBDILL = {"6.4.3", "6.4.4"}


def outcome(result):
    code = "none" if result["remoteCloseCode"] is None else result["remoteCloseCode"]
    return f"{result['behavior']}, closing {result['behaviorClose']}, {code}"


def on_libdill(case, out, got):
    """What is expected on libdill instead of the outcome `out` on libdill_rt, having got `got`."""
    if case in OVERTAKEN and got == out.replace("1002", "none"):
        return got
    return out.replace("OK", "NON-STRICT", 1) if case in NOT_STRICT_ON_LIBDILL else out


def numbers(case):
    return [int(number) for number in case.split(".")]


def pack(outcomes):
    """Cases to outcomes, as sections to outcomes to the numbers of cases: {"1.1": {"...": "1-8"}}."""
    packed = {}
    for case in sorted(outcomes, key=numbers):
        section, _, number = case.rpartition(".")
        packed.setdefault(section, {}).setdefault(outcomes[case], []).append(int(number))
    return {section: {out: ranges(cases) for out, cases in sorted(group.items())}
            for section, group in packed.items()}


def unpack(packed):
    return {f"{section}.{number}": out
            for section, group in packed.items()
            for out, text in group.items()
            for span in text.split()
            for number in range(int(span.split("-")[0]), int(span.split("-")[-1]) + 1)}


def ranges(cases):
    """[1, 2, 3, 5] as "1-3 5"."""
    spans = []
    for number in cases:
        if spans and spans[-1][1] == number - 1:
            spans[-1][1] = number
        else:
            spans.append([number, number])
    return " ".join(str(a) if a == b else f"{a}-{b}" for a, b in spans)


def table(outcomes):
    """The table of one role, in Markdown."""
    counts = collections.defaultdict(collections.Counter)
    for case, out in outcomes.items():
        behavior, closing, _ = out.split(", ")
        for section in (case.split(".")[0], "all"):
            counts[section].update([behavior, closing, "cases"])
    words = [word.lower() if len(word) > 2 else word for word in BEHAVIORS]
    lines = [" | ".join(["| section", "", "cases", *words, "other", "closing OK |"]),
             "|---|---" + "|--:" * (len(BEHAVIORS) + 3) + "|"]
    for section in [*SECTIONS, "all"]:
        count = counts[section]
        known = [count[behavior] for behavior in BEHAVIORS]
        row = [f"{section}.*" if section != "all" else "all", SECTIONS.get(section, ""),
               count["cases"], *known, count["cases"] - sum(known), count["closing OK"]]
        lines.append("| " + " | ".join(map(str, row)) + " |")
    return "\n".join(lines)


def tables(outcomes):
    return "\n\n".join(f"### {title}\n\n{table(outcomes[role])}" for role, title in ROLES.items())
