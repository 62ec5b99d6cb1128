"""Sends requests over HTTP from many clients and measures the processor time of the server and its children."""

import asyncio
import socket
import subprocess
import time

import psutil


async def _client(port, path, queue, key, failed=None):
    """Send requests until the queue is empty; other answers than 200 go to `failed`, or end the program."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while queue:
        body = queue.pop()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"X-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        writer.write(head.encode() + body)
        found = await reader.readuntil(b"\r\n\r\n")
        length = next(
            int(line.split(b":")[1])
            for line in found.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        text = await reader.readexactly(length)
        if found.split(b" ", 2)[1] != b"200":
            if failed is None:
                raise SystemExit(f"{path} answers {text[:300].decode()}")
            failed.append(text)
    writer.close()


async def _load(port, path, requests, clients, key):
    queue = list(requests)
    await asyncio.gather(*(_client(port, path, queue, key) for _ in range(clients)))


def count_lost(port, path, bodies, clients, key, work):
    """Send the requests while ``work(queue)`` runs in a thread; return how many were not answered with 200.

    Args:
        work: Gets the list of the requests that are still to be sent.
    """

    async def run():
        queue, failed = list(bodies), []
        senders = (_client(port, path, queue, key, failed) for _ in range(clients))
        await asyncio.gather(asyncio.to_thread(work, queue), *senders)
        return len(failed)

    return asyncio.run(run())


def _spent(pid):
    """Return the processor seconds of a process and all its living children."""
    process = psutil.Process(pid)
    return sum(sum(each.cpu_times()[:2]) for each in (process, *process.children(recursive=True)))


IDLE_SECONDS = 10
WAIT_SECONDS = 900
"""For a server to start, on a machine that is busy with other work."""


def _idle(pid):
    """Return the processor seconds that the server spends in a second without requests."""
    before = _spent(pid)
    time.sleep(IDLE_SECONDS)
    return (_spent(pid) - before) / IDLE_SECONDS


ROUNDS = 5


def measure(pid, port, path, bodies, clients, key=""):
    """Return milliseconds of processor time a request, and requests a second, of the best of five rounds.

    What the server spends without any request is left out, measured before and after: on a busy machine the same requests
    take longer, and with them the background work would count several times. Other programs that share caches and
    cores make each round dearer and none cheaper, so the cheapest says most about the server.
    """
    warm = max(1, len(bodies) // 5)
    asyncio.run(_load(port, path, bodies[:warm], clients, key))
    idle = _idle(pid) / 2
    size = (len(bodies) - warm) // ROUNDS
    rounds = [
        _round(pid, port, path, bodies[warm + at * size :][:size], clients, key)
        for at in range(ROUNDS)
    ]
    idle += _idle(pid) / 2
    return min(
        ((spent - idle * seconds) / size * 1000, size / seconds) for spent, seconds in rounds
    )


def _round(pid, port, path, bodies, clients, key):
    """Return the processor seconds of the server and the seconds that the requests took."""
    before, started = _spent(pid), time.perf_counter()
    asyncio.run(_load(port, path, bodies, clients, key))
    return _spent(pid) - before, time.perf_counter() - started


class NotStartedError(Exception):
    """A server ended, or does not listen."""


def wait_for(process, port, path="", log=None):
    """Wait until the port is open, or, with a path, until it answers 200.

    Args:
        log: The file with the server's output; its last lines are part of the error.

    Raises:
        NotStartedError: The server ended, or does not listen within `WAIT_SECONDS`.
    """
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        if process.poll() is not None:
            raise NotStartedError(
                f"the server at {port} ended with {process.returncode}{_end_of(log)}"
            )
        if asyncio.run(_answers(port, path)):
            return
        time.sleep(0.1)
    raise NotStartedError(f"nothing listens at {port} after {WAIT_SECONDS} s{_end_of(log)}")


def _end_of(log):
    lines = log.read_text(errors="replace").splitlines()[-8:] if log else []
    return "".join(f"\n    {line}" for line in lines)


async def _answers(port, path):
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if not path:
            writer.close()
            return True
        writer.write(
            f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
        )
        line = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
    except (OSError, TimeoutError):
        return False
    return b" 200 " in line


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def stop(process):
    """End a server with its children."""
    if process.poll() is not None:
        return
    children = psutil.Process(process.pid).children(recursive=True)
    process.terminate()
    try:
        process.wait(30)
    except subprocess.TimeoutExpired:
        process.kill()
    for child in children:
        if child.is_running():
            child.kill()
