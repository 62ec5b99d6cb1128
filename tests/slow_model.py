"""An embedding model that takes longer, as one on an overloaded machine does."""


class SlowModel:
    """Wraps a model; each call first lets ``seconds`` of the clock pass."""

    def __init__(self, model, seconds, clock):
        self._model, self._seconds, self._clock = model, seconds, clock

    def __getattr__(self, name):
        return getattr(self._model, name)

    def embed(self, texts):
        self._clock.sleep(self._seconds)
        return self._model.embed(texts)
