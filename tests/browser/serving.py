"""Servers on loopback that surely end."""

import socket
import subprocess
import time
import urllib.request
from contextlib import contextmanager

PATIENCE = 60  # seconds until a server must answer


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def served(command, address, *, cwd, env):
    """Run a server until the end of the block; it begins when `address` answers."""
    said = cwd.parent / "server.log"
    with said.open("w") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, cwd=cwd, env=env)
        try:
            end = time.monotonic() + PATIENCE
            while not answers(address):
                assert server.poll() is None, said.read_text()[-2000:]
                assert time.monotonic() < end, said.read_text()[-2000:]
                time.sleep(0.25)
            yield
        finally:
            server.terminate()
            try:
                server.wait(20)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def answers(address):
    try:
        urllib.request.urlopen(address, timeout=2).close()
    except OSError:
        return False
    return True
