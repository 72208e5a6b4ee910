"""Runs `mockforge` for scripts that are its upstream as well as its client, that kill it, or that it judges."""

import os
import subprocess


def run(program, *arguments):
    """Runs `mockforge SUBCOMMAND ...` to its end, and returns its exit code and what it printed to stderr."""
    command = [program, *map(str, arguments)]
    done = subprocess.run(command, env=_variables(), capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stderr


def _variables():
    ours = ("MOCKFORGE_", "OTEL_", "RUST_LOG")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}


class Mockforge:
    """A running `mockforge SUBCOMMAND ...` that listens on `self.url`, `ws://HOST:PORT/ws`."""

    def __init__(self, program, *arguments, is_quiet=False, variables=None):
        command = [program, *arguments, "--ws-port", "0", "--log", "error"]
        stderr = subprocess.DEVNULL if is_quiet else None
        self.process = subprocess.Popen(command, env=_variables() | (variables or {}), stdout=subprocess.PIPE, stderr=stderr, text=True)
        line = self.process.stdout.readline()
        if not line.startswith("listening on "):
            raise RuntimeError(f"{command} printed {line!r} instead of where it listens")
        self.url = line.removeprefix("listening on ").strip()

    def stop(self):
        """Ends it as an operator does, and returns its exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self):
        """Waits until it ends by itself, and returns its exit code."""
        return self.process.wait(timeout=20)

    def kill(self):
        """Ends it without a chance to do anything (SIGKILL)."""
        self.process.kill()
        self.process.wait(timeout=20)
