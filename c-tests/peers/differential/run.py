#!/usr/bin/env python3
"""Random streams of frames, sound and spoilt, through our functions and through two implementations that
do no input or output of their own: websockets and wsproto. Each time both have to see the same messages,
the same end and the same close code, and to send the same, or differences.py says why not.

Every run has other streams; its seed, which it prints, brings them back.
"""

import os
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
import support  # noqa: E402


def main():
    parser = support.arguments(__doc__)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**9))
    parser.add_argument("--cases", type=int, default=60000)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this case only")
    args = parser.parse_args()
    setup = support.Setup(args)
    command = [setup.python(), HERE / "compare.py", setup.program("peers/differential/receiver.c"),
               "--seed", args.seed, "--cases", args.cases]
    if args.only is not None:
        command += ["--only", args.only]
    if args.libdill:
        # There a call that does not block, and gets a part of what it wants, breaks the byte stream.
        command.append("--libdill")
    command = [str(word) for word in command]
    os.execv(command[0], command)


if __name__ == "__main__":
    sys.exit(main())
