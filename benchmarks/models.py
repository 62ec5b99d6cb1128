"""Processor time of a prediction over HTTP, and of a drift report, next to peers on the same machine.

`make bench-models`: a linear model, a forest of 100 trees, and the linear model as ONNX, each at 16 clients. The service does the
whole path: admission, schema check, batch, result stored. The peers only predict; the least that HTTP costs here is that of a bare
application with batches. Then the drift of 20,000 rows of 30 columns, and of 1,000,000. Exit 1 when a bar is missed or the service does not start. A peer that does not start is left out, with the end of its log.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from benchmarks.children import bound
from benchmarks.models_data import FEATURES, bodies, drift_set, estimator, sample_rows
from benchmarks.models_load import (
    NotStartedError,
    count_lost,
    free_port,
    measure,
    stop,
    wait_for,
)
from skl2onnx import to_onnx
from skops.io import dump

from trimtab.cli.runtime.connect import Client
from trimtab.infra.control_socket import is_answering
from trimtab.infra.settings import load
from trimtab.models.packing import Description, describe
from trimtab.models.records import Flavour

MODELS = ("linear", "forest")
PEERS = ("fastapi", "litserve", "mlserver")
FLOOR = "bare"
"""A bare ASGI application with batches, on the same HTTP server: `models_bare.py`."""
BARS = {"linear": 0.30, "forest": 1.2, "onnx": 0.25}
"""Milliseconds of processor time a request."""
DRIFT_ROWS, PEER_DRIFT_ROWS = 1_000_000, 20_000
DRIFT_SECONDS, DRIFT_MB, STATE_BYTES = 3.0, 300.0, 4096
ROLLBACK_SECONDS, MOVES = 1.0, 10
PEER_PYTHON = Path(sys.prefix) / "bench-models" / "bin" / "python"
PEER_FILE = Path(__file__).with_name("models_peers.py")
BARE_FILE = Path(__file__).with_name("models_bare.py")


def ours(folder, options):
    """Return the figures of each model in the running service, and of a rollback in it."""
    port, data = free_port(), folder / "data"
    flags = [
        "service.rate_limit_per_minute=0",
        "api.key_limit_per_minute=0",
        f"service.port={port}",
    ]
    program = str(Path(sys.executable).parent / "trimtab")
    sets = [word for flag in flags for word in ("--set", flag)]
    command = [program, "--data-dir", str(data), *sets, "serve"]
    log = folder / "service.log"
    with log.open("wb") as output:
        service = subprocess.Popen(bound(command), stderr=output)
    try:
        wait_for(service, port, log=log)
        while not is_answering(data):
            time.sleep(0.1)
        settings = load(flags={"service.data_dir": str(data)}, environment={})
        http = Client.local(settings, data)
        for name in MODELS:
            register(http, folder, name)
        convert(http, folder)
        # What a start does once, such as reading the handbook, is no cost of a prediction.
        wait_until_idle(service.pid, data)
        key = (data / "admin.key").read_text().strip()
        found = {
            name: measure(
                service.pid,
                port,
                f"/v1/models/{name}/predict",
                bodies(options.requests),
                options.clients,
                key,
            )
            for name in (*MODELS, "onnx")
        }
        return found, rollback_under_load(http, port, options, key)
    finally:
        stop(service)


def wait_until_idle(pid, data):
    """Wait until the first reading of the handbook is over and the process has settled."""
    import psutil

    # Written when the shipped pages have been taken in.
    for _ in range(1200):
        if (data / "handbook.json").exists():
            break
        time.sleep(1)
    process = psutil.Process(pid)
    for _ in range(120):
        before = sum(process.cpu_times()[:2])
        time.sleep(2)
        if sum(process.cpu_times()[:2]) - before < 0.1:
            return


def register(http, folder, name, as_name=""):
    """Register the estimator of that name and let it serve; return its manifest."""
    model, file = estimator(name), folder / f"{as_name or name}.skops"
    dump(model, file)
    manifest = describe(model, Description(name=as_name or name, sample=sample_rows()))
    post(http, as_name or name, file, manifest, 1)
    return manifest


def convert(http, folder):
    """Let the linear model serve as ONNX, compared with the version that it was converted from."""
    manifest = register(http, folder, "linear", "onnx")
    file = folder / "onnx.onnx"
    example = np.zeros((1, FEATURES), dtype=np.float32)
    converted = to_onnx(estimator("linear"), example, options={"zipmap": False})
    file.write_bytes(converted.SerializeToString())
    golden = type(manifest.golden)(manifest.golden.rows, manifest.golden.outputs, 1e-4)
    changed = manifest.changed(flavour=Flavour.ONNX, golden=golden, parent=1)
    post(http, "onnx", file, changed, 2)


def post(http, name, file, manifest, version):
    body = {key: value for key, value in manifest.to_json().items() if key != "files"}
    parts = [
        ("name", (None, name)),
        ("manifest", ("manifest.json", json.dumps(body).encode())),
        ("artifact", (file.name, file.read_bytes())),
    ]
    http.call("POST", "/v1/models", files=parts)
    http.call("POST", f"/v1/models/{name}/promote", body={"version": version})


def rollback_under_load(http, port, options, key):
    """Move the alias of a model with two versions to and fro under load.

    Return the seconds of each rollback, and how many requests were sent and not answered by a version.
    """
    asked, path = bodies(options.requests), "/v1/models/onnx/predict"
    seconds = []

    def move(queue):
        while queue and len(seconds) < MOVES:
            started = time.perf_counter()
            http.call("POST", "/v1/models/onnx/rollback", body={"reason": "benchmark"})
            seconds.append(time.perf_counter() - started)
            http.call("POST", "/v1/models/onnx/promote", body={"version": 2})

    lost = count_lost(port, path, asked, options.clients, key, move)
    return {"seconds": seconds, "requests": len(asked), "lost": lost}


def peer(folder, which, name, options):
    """Return the figures of one peer with one model; None, and a line why, when it does not start."""
    port, log = free_port(), folder / f"{which}-{name}.log"
    command = [PEER_PYTHON, PEER_FILE, which, name, str(port), str(folder)]
    if which == FLOOR:
        command = [sys.executable, BARE_FILE, name, str(port)]
    with log.open("wb") as output:
        process = subprocess.Popen(bound(command), stdout=output, stderr=subprocess.STDOUT)
    is_v2 = which == "mlserver"
    try:
        wait_for(process, port, f"/v2/models/{name}/ready" if is_v2 else "", log)
        path = f"/v2/models/{name}/infer" if is_v2 else "/predict"
        asked = bodies(options.requests, tensors=is_v2)
        return measure(process.pid, port, path, asked, options.clients)
    except NotStartedError as error:
        print(f"{which} is not measured with {name}: {error}", file=sys.stderr)
        return None
    finally:
        stop(process)


def drift(rows):
    """Print the processor seconds and the memory of one drift report in this process."""
    from trimtab.models.monitoring.file_report import report_blocks
    from trimtab.models.monitoring.reference import ColumnRoles, build_reference

    profile = build_reference(drift_set(PEER_DRIFT_ROWS), ColumnRoles("", "", "", (), "1", {}))
    rng = np.random.default_rng(12)

    def blocks():
        for start in range(0, rows, 50_000):
            yield {name: rng.normal(size=min(50_000, rows - start)) for name in profile_names}

    profile_names = [feature.feature for feature in profile.features]
    made = time.process_time()
    for _ in blocks():
        pass
    making = time.process_time() - made
    started = time.process_time()
    report = report_blocks(blocks(), profile)
    spent = time.process_time() - started - making
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"cpu_s": spent, "memory_mb": memory, "state_bytes": report.state_bytes}))


def drift_figures():
    found = {}
    own = [sys.executable, "-W", "ignore", "-m", "benchmarks.models", "--drift"]
    for name, command in {
        "ours": [*own, str(DRIFT_ROWS)],
        "ours_small": [*own, str(PEER_DRIFT_ROWS)],
        "evidently_small": [str(PEER_PYTHON), str(PEER_FILE), "evidently", str(PEER_DRIFT_ROWS)],
    }.items():
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        found[name] = json.loads(done.stdout.splitlines()[-1])
    return found


def rows_of(own, peers):
    for name, (cpu, rate) in own.items():
        row = {"model": name, "cpu_ms": round(cpu, 3), "bar_ms": BARS[name]}
        row |= {"requests_per_second": round(rate), "within": cpu <= BARS[name]}
        for which, figures in peers.items():
            if figures.get(name):
                row[f"{which}_cpu_ms"] = round(figures[name][0], 2)
                row[f"{which}_ratio"] = round(figures[name][0] / cpu, 2)
        yield row


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=5000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    parser.add_argument(
        "--ours", action="store_true", help="leave the other products and drift out"
    )
    parser.add_argument("--drift", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.drift:
        drift(options.drift)
        return 0
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        try:
            own, rollback = ours(folder, options)
        except NotStartedError as error:
            print(error, file=sys.stderr)
            return 1
        asked = {FLOOR: (*MODELS, "onnx")} | ({} if options.ours else dict.fromkeys(PEERS, MODELS))
        peers = {
            which: {name: peer(folder, which, name, options) for name in names}
            for which, names in asked.items()
        }
    found = {"serving": list(rows_of(own, peers)), "rollback": rollback}
    if not options.ours:
        found["drift"] = drift_figures()
    print(json.dumps(found) if options.json else as_text(found, options))
    return 0 if is_within(found) else 1


def is_within(found):
    """Return whether all figures keep their bars."""
    serving = all(row["within"] for row in found["serving"])
    moved = found["rollback"]
    rollback = max(moved["seconds"]) < ROLLBACK_SECONDS and not moved["lost"]
    if "drift" not in found:
        return serving and rollback
    drifted = found["drift"]["ours"]
    is_small = drifted["memory_mb"] < DRIFT_MB and drifted["state_bytes"] < STATE_BYTES
    return serving and rollback and is_small and drifted["cpu_s"] < DRIFT_SECONDS


def as_text(found, options):
    lines = [
        (
            f"{options.requests} requests of one row, {options.clients} clients;"
            " processor time of the server, ms a request"
        )
    ]
    for row in found["serving"]:
        lines.append(
            f"{row['model']:8}{row['cpu_ms']:7.3f}  (bar {row['bar_ms']:.2f}),"
            f" {row['requests_per_second']} requests/s"
        )
        lines += [
            f"  {which:10}{row[f'{which}_cpu_ms']:7.2f}  {row[f'{which}_ratio']:.2f} times as much"
            for which in (FLOOR, *PEERS)
            if f"{which}_ratio" in row
        ]
    moved = found["rollback"]
    lines.append(
        f"rollback of the alias under that load: {max(moved['seconds']):.3f} s at most of"
        f" {len(moved['seconds'])} moves (bar {ROLLBACK_SECONDS:.0f}), {moved['requests']} requests,"
        f" {moved['lost']} lost"
    )
    return "\n".join(lines + (drift_lines(found["drift"]) if "drift" in found else []))


def drift_lines(drifted):
    ratio = drifted["evidently_small"]["cpu_s"] / max(drifted["ours_small"]["cpu_s"], 1e-3)
    return [
        (
            f"drift of {DRIFT_ROWS:,} rows x {FEATURES}: {drifted['ours']['cpu_s']:.2f} s (bar"
            f" {DRIFT_SECONDS:.0f}), {drifted['ours']['memory_mb']:.0f} MB (bar {DRIFT_MB:.0f}),"
            f" state {drifted['ours']['state_bytes']} bytes (bar {STATE_BYTES})"
        ),
        (
            f"drift of {PEER_DRIFT_ROWS:,} rows x {FEATURES}: {drifted['ours_small']['cpu_s']:.3f}"
            f" s; Evidently {drifted['evidently_small']['cpu_s']:.1f} s, {ratio:.0f} times as much"
        ),
    ]


if __name__ == "__main__":
    sys.exit(main())
