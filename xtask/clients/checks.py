"""Counts what a client sees against what was promised. Used by the scripts for Python."""

import re
import sys


class Checks:
    def __init__(self):
        self.passed = 0
        self.failed = 0

    def equal(self, what, got, wanted):
        self._count(what, got == wanted, f"got {got!r} instead of {wanted!r}")

    def like(self, what, got, pattern):
        """The whole text fits the regular expression."""
        self._count(what, re.fullmatch(pattern, got) is not None, f"got {got!r}, which is not {pattern!r}")

    def _count(self, what, good, otherwise):
        if good:
            self.passed += 1
            print(f"ok    {what}", flush=True)
        else:
            self.failed += 1
            print(f"FAIL  {what}: {otherwise}", flush=True)

    def finish(self, client):
        """Prints the result and ends the process."""
        print(f"{client}: {self.passed} passed, {self.failed} failed\n", flush=True)
        sys.exit(0 if self.failed == 0 else 1)
