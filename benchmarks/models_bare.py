"""The floor: a bare ASGI application that predicts in batches, on the HTTP server of the service.

``python benchmarks/models_bare.py MODEL PORT``. It parses JSON, predicts all requests that came within a millisecond with one
call, and answers. No caller is authenticated, no row is checked against a schema, nothing is stored, logged or counted.
"""

import asyncio
import sys
from pathlib import Path

import numpy as np
import orjson
import uvicorn

sys.path.insert(0, str(Path(__file__).parent))
from models_data import estimator

BATCH, WAIT_SECONDS = 16, 0.001


class Bare:
    """An ASGI application with one batch at a time.

    Args:
        predict: Probabilities of a matrix.
    """

    def __init__(self, predict):
        self._predict = predict
        self._waiting = []
        self._timer = None

    async def __call__(self, scope, receive, send):
        body = (await receive())["body"]
        row = list(orjson.loads(body)["rows"][0].values())
        shares = await self._queue(row)
        text = orjson.dumps({"probabilities": [shares]})
        headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(text))]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": text})

    def _queue(self, row):
        loop = asyncio.get_running_loop()
        future = loop.create_future()
        self._waiting.append((row, future))
        if len(self._waiting) >= BATCH:
            self._run()
        elif self._timer is None:
            self._timer = loop.call_later(WAIT_SECONDS, self._run)
        return future

    def _run(self):
        if self._timer is not None:
            self._timer.cancel()
        waiting, self._waiting, self._timer = self._waiting, [], None
        found = self._predict(np.array([row for row, _ in waiting])).tolist()
        for (_, future), shares in zip(waiting, found, strict=True):
            if not future.done():
                future.set_result(shares)


def onnx_probabilities():
    """Return a function that computes the linear model's probabilities with ONNX Runtime."""
    import onnxruntime
    from skl2onnx import to_onnx

    example = np.zeros((1, estimator("linear").n_features_in_), dtype=np.float32)
    model = to_onnx(estimator("linear"), example, options={"zipmap": False})
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options)
    name = session.get_inputs()[0].name
    return lambda values: session.run(None, {name: values.astype(np.float32)})[1]


def main():
    name, port = sys.argv[1], int(sys.argv[2])
    predict = onnx_probabilities() if name == "onnx" else estimator(name).predict_proba
    uvicorn.run(Bare(predict), port=port, log_level="warning", access_log=False, lifespan="off")


if __name__ == "__main__":
    main()
