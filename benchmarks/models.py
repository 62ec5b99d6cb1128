"""Processor time of a prediction over HTTP, next to FastAPI with scikit-learn on the same machine.

`make bench-models`: a linear model, a forest of 100 trees, and the linear model as ONNX, each at 16 clients. The service does the
whole path: admission, schema check, batch, result stored. The peer only predicts.
"""

import argparse
import asyncio
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import psutil
from skl2onnx import to_onnx
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from skops.io import dump

from trimtab.cli.runtime.connect import Client
from trimtab.infra.control_socket import is_answering
from trimtab.infra.settings import load
from trimtab.models.packing import Description, describe
from trimtab.models.records import Flavour

FEATURES = 30
BARS = {"linear": 0.30, "forest": 1.2, "onnx": 0.25}
"""Milliseconds of processor time a request."""
PEER = """
import sys
import numpy as np
from fastapi import FastAPI
from pydantic import BaseModel
from skops.io import load

model = load(sys.argv[1])
app = FastAPI()

class Rows(BaseModel):
    rows: list[dict[str, float]]

@app.post("/predict")
def predict(body: Rows):
    values = np.array([list(row.values()) for row in body.rows])
    return {"probabilities": model.predict_proba(values).tolist()}

import uvicorn
uvicorn.run(app, port=int(sys.argv[2]), log_level="warning")
"""


def trained():
    rng = np.random.default_rng(3)
    values = rng.normal(size=(4000, FEATURES))
    labels = (values[:, 0] + values[:, 1] ** 2 > 1).astype(int)
    linear = make_pipeline(StandardScaler(), LogisticRegression()).fit(values, labels)
    forest = RandomForestClassifier(100, max_depth=8, random_state=1).fit(values, labels)
    names = [f"f{at}" for at in range(FEATURES)]
    sample = [dict(zip(names, map(float, row), strict=True)) for row in values[:500]]
    return {"linear": linear, "forest": forest}, sample


def bodies(sample, count):
    rng = np.random.default_rng(5)
    found = []
    for _ in range(count):
        row = {
            name: value + float(rng.normal())
            for name, value in sample[int(rng.integers(len(sample)))].items()
        }
        found.append(json.dumps({"rows": [row]}).encode())
    return found


async def client(port, path, queue, key):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while queue:
        body = queue.pop()
        head = f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nX-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        found = await reader.readuntil(b"\r\n\r\n")
        status = found.split(b" ", 2)[1]
        length = next(
            int(line.split(b":")[1])
            for line in found.lower().split(b"\r\n")
            if line.startswith(b"content-length")
        )
        text = await reader.readexactly(length)
        if status != b"200":
            raise SystemExit(text.decode())
    writer.close()


async def load_with(port, path, requests, clients, key):
    queue = list(requests)
    await asyncio.gather(*(client(port, path, queue, key) for _ in range(clients)))


def measure(pid, port, path, sample, options, key=""):
    """Return milliseconds of processor time a request, and requests a second."""
    asyncio.run(load_with(port, path, bodies(sample, options.requests // 5), options.clients, key))
    process = psutil.Process(pid)
    before, started = sum(process.cpu_times()[:2]), time.perf_counter()
    asyncio.run(load_with(port, path, bodies(sample, options.requests), options.clients, key))
    spent, elapsed = sum(process.cpu_times()[:2]) - before, time.perf_counter() - started
    return spent / options.requests * 1000, options.requests / elapsed


def wait_for(port):
    import socket

    for _ in range(600):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise SystemExit(f"nothing listens at {port}")


def free_port():
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def ours(folder, estimators, sample, options):
    port = free_port()
    flags = [
        "service.rate_limit_per_minute=0",
        "api.key_limit_per_minute=0",
        f"service.port={port}",
    ]
    program = str(Path(sys.executable).parent / "trimtab")
    sets = [word for flag in flags for word in ("--set", flag)]
    command = [program, "--data-dir", str(folder / "data"), *sets, "serve"]
    service = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        wait_for(port)
        while not is_answering(folder / "data"):
            time.sleep(0.1)
        settings = load(flags={"service.data_dir": str(folder / "data")}, environment={})
        http = Client.local(settings, folder / "data")
        for name, estimator in estimators.items():
            register(http, folder, name, estimator, sample)
        key = (folder / "data" / "admin.key").read_text().strip()
        return {
            name: measure(service.pid, port, f"/v1/models/{name}/predict", sample, options, key)
            for name in (*estimators, "onnx")
        }
    finally:
        service.terminate()
        service.wait(60)


def register(http, folder, name, estimator, sample):
    file = folder / f"{name}.skops"
    dump(estimator, file)
    manifest = describe(estimator, Description(name=name, sample=sample))
    post(http, name, file, manifest)
    if name == "linear":
        onnx = folder / "onnx.onnx"
        values = np.zeros((1, FEATURES), dtype=np.float32)
        onnx.write_bytes(to_onnx(estimator, values, options={"zipmap": False}).SerializeToString())
        golden = type(manifest.golden)(manifest.golden.rows, manifest.golden.outputs, 1e-4)
        post(http, "onnx", onnx, manifest.changed(name="onnx", flavour=Flavour.ONNX, golden=golden))


def post(http, name, file, manifest):
    body = {key: value for key, value in manifest.to_json().items() if key != "files"}
    parts = [
        ("name", (None, name)),
        ("manifest", ("manifest.json", json.dumps(body).encode())),
        ("artifact", (file.name, file.read_bytes())),
    ]
    http.call("POST", "/v1/models", files=parts)
    http.call("POST", f"/v1/models/{name}/promote", body={"version": 1})


def peer(folder, name, sample, options):
    script, port = folder / "peer.py", free_port()
    script.write_text(PEER)
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder / f"{name}.skops"), str(port)]
    )
    try:
        wait_for(port)
        return measure(process.pid, port, "/predict", sample, options)
    finally:
        process.terminate()
        process.wait(60)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=3000)
    parser.add_argument("--clients", type=int, default=16)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    estimators, sample = trained()
    with tempfile.TemporaryDirectory() as text:
        folder = Path(text)
        found = ours(folder, estimators, sample, options)
        peers = {name: peer(folder, name, sample, options) for name in estimators}
    rows = [
        {
            "model": name,
            "cpu_ms": round(cpu, 3),
            "bar_ms": BARS[name],
            "requests_per_second": round(rate),
            "fastapi_cpu_ms": round(peers[name][0], 3) if name in peers else None,
            "ratio": round(peers[name][0] / cpu, 1) if name in peers else None,
        }
        for name, (cpu, rate) in found.items()
    ]
    if options.json:
        print(json.dumps(rows))
        return
    print(
        f"{options.requests} requests of one row, {options.clients} clients; processor time of the server, in ms a request"
    )
    for row in rows:
        print(row)


if __name__ == "__main__":
    main()
