"""Ends a script that cannot do its work."""

import os
import pathlib
import subprocess
import sys

# Debian has some tools where only root looks.
os.environ["PATH"] += os.pathsep + "/usr/sbin"
NEEDS = pathlib.Path(__file__).resolve().with_suffix(".sh")


def die(message):
    sys.exit(f"{'/'.join(pathlib.Path(sys.argv[0]).resolve().parts[-2:])}: {message}")


def need(*tools):
    """Ends the program if one of the tools is missing."""
    done = subprocess.run([NEEDS, *tools], env=dict(os.environ, PYTHON=sys.executable),
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        die(done.stderr.strip())
