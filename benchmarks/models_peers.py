"""One peer that serves a model, or measures drift: ``python benchmarks/models_peers.py PEER MODEL PORT FOLDER``.

Each peer is used as its own documentation advises for a scikit-learn model, with batches where it has them. It runs in an
environment of its own (``requirements/bench-models.lock``) that does not have trimtab.
"""

import json
import os
import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parent))
from models_data import drift_set, estimator

BATCH, WAIT_SECONDS = 16, 0.001
LITSERVE_SERVER = """
import sys

sys.path.insert(0, {here!r})
import litserve
import numpy as np
from models_data import estimator


class Api(litserve.LitAPI):
    def setup(self, device):
        self.model = estimator({name!r})

    def decode_request(self, request):
        return [list(row.values()) for row in request["rows"]]

    def batch(self, inputs):
        return np.vstack(inputs)

    def predict(self, values):
        return self.model.predict_proba(values)

    def unbatch(self, output):
        return [row[None] for row in output]

    def encode_response(self, output):
        return {{"probabilities": output.tolist()}}


if __name__ == "__main__":
    api = Api(max_batch_size={batch}, batch_timeout={wait})
    server = litserve.LitServer(api, accelerator="cpu", workers_per_device=1)
    server.run(port={port}, log_level="warning", generate_client_file=False)
"""
MLSERVER_MODEL = """
import joblib
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceResponse


class Served(MLModel):
    async def load(self):
        self._estimator = joblib.load(self.settings.parameters.uri)
        return True

    async def predict(self, payload):
        values = self.decode(payload.inputs[0], default_codec=NumpyCodec)
        shares = self._estimator.predict_proba(values)
        output = NumpyCodec.encode_output("probabilities", shares)
        return InferenceResponse(model_name=self.name, outputs=[output])
"""


def fastapi(name, port, folder):
    import uvicorn
    from fastapi import FastAPI
    from pydantic import BaseModel

    model, app = estimator(name), FastAPI()

    class Rows(BaseModel):
        rows: list[dict[str, float]]

    @app.post("/predict")
    def predict(body: Rows):
        values = np.array([list(row.values()) for row in body.rows])
        return {"probabilities": model.predict_proba(values).tolist()}

    uvicorn.run(app, port=port, log_level="warning")


def litserve(name, port, folder):
    # Its workers are new processes, which import the class from a file.
    file = Path(folder) / "litserve_peer.py"
    source = LITSERVE_SERVER.format(
        here=str(Path(__file__).parent), name=name, port=port, batch=BATCH, wait=WAIT_SECONDS
    )
    file.write_text(source)
    os.execv(sys.executable, [sys.executable, str(file)])


def mlserver(name, port, folder):
    import joblib

    folder = Path(folder) / f"mlserver-{name}"
    folder.mkdir()
    joblib.dump(estimator(name), folder / "model.joblib")
    (folder / "served.py").write_text(MLSERVER_MODEL)
    model = {"name": name, "implementation": "served.Served"}
    model |= {"max_batch_size": BATCH, "max_batch_time": WAIT_SECONDS}
    model["parameters"] = {"uri": str(folder / "model.joblib")}
    (folder / "model-settings.json").write_text(json.dumps(model))
    settings = {"host": "127.0.0.1", "http_port": port, "grpc_port": port + 1}
    # Workers of their own would only add processor time.
    settings |= {"metrics_port": port + 2, "debug": False, "parallel_workers": 0}
    (folder / "settings.json").write_text(json.dumps(settings))
    program = Path(sys.executable).parent / "mlserver"
    # The runtime class is imported from the working directory.
    os.chdir(folder)
    os.execv(program, [str(program), "start", str(folder)])


def evidently(rows):
    """Print the processor seconds of one drift report."""
    import pandas as pd
    from evidently import Report
    from evidently.presets import DataDriftPreset

    before, now = (pd.DataFrame(drift_set(rows, shifted=shifted)) for shifted in (False, True))
    started = time.process_time()
    Report([DataDriftPreset()]).run(now, before).dict()
    print(json.dumps({"cpu_s": time.process_time() - started}))


def main():
    peer = sys.argv[1]
    if peer == "evidently":
        evidently(int(sys.argv[2]))
    else:
        {"fastapi": fastapi, "litserve": litserve, "mlserver": mlserver}[peer](
            sys.argv[2], int(sys.argv[3]), sys.argv[4]
        )


if __name__ == "__main__":
    main()
