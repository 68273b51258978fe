"""Runs a program that cannot outlive the process that started it.

``python -I -S tether.py <parent pid> <program> <argument>…`` asks the kernel for SIGKILL at the parent's end
(Linux: ``PR_SET_PDEATHSIG``) and then becomes the program, keeping its own pid. The request survives the exec. It is made
here and not in a ``preexec_fn``, which may deadlock in a parent that has threads. The kernel counts as the parent the
*thread* that forked: see :func:`broker.children.spawn`. Elsewhere than on Linux the program is started untethered.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main(arguments: list[str]) -> None:
    """Becomes ``arguments[1:]``; ``arguments[0]`` is the pid of the process to live and die with."""
    parent, *command = arguments
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != int(parent):
            sys.exit("The parent was gone before the program began.")
    os.execv(command[0], command)  # noqa: S606


if __name__ == "__main__":
    main(sys.argv[1:])
