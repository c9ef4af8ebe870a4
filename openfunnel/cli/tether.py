"""`python -m openfunnel.cli.tether COMMAND...`: runs a command that ends when its parent does.

A crew that is killed cannot stop its members. On Linux the kernel can (prctl(2),
PR_SET_PDEATHSIG); the wish outlives exec, so that the command itself needs to know nothing.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1

if __name__ == "__main__":
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    os.execv(sys.argv[1], sys.argv[1:])  # noqa: S606  # a crew's own command line
