"""Retraining: refused unless better, approved by hash, promoted once."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from trimtab.infra.audit import Audit
from trimtab.kernel.errors import Conflict
from trimtab.models.monitoring.store import CHAIN
from trimtab.models.retraining.comparison import compare_paired
from trimtab.models.retraining.errors import (
    DecisionRefused,
    NotTrainable,
    RetrainingUnknown,
    TrainingDataRefused,
)
from trimtab.models.retraining.records import RetrainingState, TrainedCandidate
from trimtab.models.retraining.service import RetrainingContext, Retrainings
from trimtab.models.retraining.store import RetrainingStore
from trimtab.testing.clock import FakeClock
from trimtab.testing.jobs import FakeJobs

ROWS = 2000
MODEL = "fraud-classifier"


def flags(wrong, seed):
    """Labels, and predictions of which that share is wrong."""
    rng = np.random.default_rng(seed)
    labels = np.random.default_rng(1).random(ROWS) < 0.3
    return labels, labels ^ (rng.random(ROWS) < wrong)


class World:
    """Retrainings whose trainer makes a candidate with that share of errors; the current one errs in 20 %."""

    def __init__(self, folder, databases, wrong=0.1):
        self.database = databases.open((CHAIN,), "models")
        self.state = databases.open(("state",))
        self.clock, self.wrong = FakeClock(), wrong
        self.jobs = FakeJobs(self.clock)
        self.trained, self.promoted, self.problem = [], [], None
        context = RetrainingContext(
            RetrainingStore(self.database),
            folder / "data",
            self.jobs,
            self.clock,
            Audit(self.state, self.clock),
            self.promote,
        )
        self.retrainings = Retrainings(context, {MODEL: self.train})

    def train(self, data):
        self.trained.append(data.read_bytes())
        labels, current = flags(0.2, 2)
        candidate = flags(self.wrong, 3)[1]
        return TrainedCandidate(7, "d7", {"f1": 0.9}, labels, current, candidate)

    def promote(self, name, version, actor, reason, key):
        if self.problem:
            raise self.problem
        self.promoted.append((name, version, actor, key))

    def start(self, data=b"rows"):
        return self.retrainings.start(MODEL, data, "drift", "ada").id

    def run_until(self, state, retraining_id):
        self.jobs.run(until=lambda: self.get(retraining_id).state is state)
        assert self.get(retraining_id).state is state

    def get(self, retraining_id):
        return self.retrainings.store.get(retraining_id)


@pytest.fixture
def world(tmp_path, databases):
    return World(tmp_path, databases)


def test_the_comparison_has_the_f1_of_scikit_learn():
    labels, current = flags(0.2, 2)
    candidate = flags(0.1, 3)[1]
    found = compare_paired(labels, current, candidate)
    assert found.current_f1 == pytest.approx(f1_score(labels, current))
    assert found.candidate_f1 == pytest.approx(f1_score(labels, candidate))
    assert found.low < found.candidate_f1 - found.current_f1 < found.high


def test_equal_models_are_better_by_chance_in_few_cases():
    better = 0
    for seed in range(200):
        labels, current = flags(0.2, seed)
        better += compare_paired(labels, current, flags(0.2, seed + 1000)[1]).is_better
    assert better <= 12


def test_a_candidate_that_predicts_no_positive_is_compared():
    labels, current = flags(0.2, 2)
    found = compare_paired(labels, current, np.zeros(ROWS, bool))
    assert (found.candidate_f1, found.is_better) == (0.0, False)


@pytest.mark.feature("F361")
def test_nothing_serves_before_a_person_has_approved(world):
    found = world.start()
    world.run_until(RetrainingState.WAITING, found)
    assert world.promoted == []
    world.retrainings.decide(found, world.get(found).approval_hash, "eva", approve=True)
    world.jobs.run()
    assert world.get(found).state is RetrainingState.PROMOTED
    assert world.promoted == [(MODEL, 7, "eva", found)]


def test_a_candidate_that_is_not_better_beyond_chance_is_refused(world):
    world.wrong = 0.195
    found = world.start()
    world.jobs.run()
    assert world.get(found).state is RetrainingState.REFUSED
    assert "not better beyond chance" in world.get(found).facts["why"]
    with pytest.raises(DecisionRefused, match="is refused"):
        world.retrainings.decide(found, "", "eva", approve=True)
    assert world.promoted == []


def test_an_approval_of_other_data_or_metrics_is_refused(world):
    first, second = world.start(b"some rows"), world.start(b"other rows")
    for found in (first, second):
        world.run_until(RetrainingState.WAITING, found)
    hashes = [world.get(found).approval_hash for found in (first, second)]
    assert hashes[0] != hashes[1]
    with pytest.raises(DecisionRefused, match="not that of the data and metrics"):
        world.retrainings.decide(first, hashes[1], "eva", approve=True)
    world.jobs.while_waiting = lambda _: None
    assert world.promoted == []


def test_a_rejected_candidate_never_serves(world):
    found = world.start()
    world.run_until(RetrainingState.WAITING, found)
    world.retrainings.decide(found, world.get(found).approval_hash, "eva", approve=False)
    world.jobs.run()
    assert world.get(found).state is RetrainingState.REJECTED
    assert world.promoted == []


def test_no_answer_within_a_week_means_no(world):
    found = world.start()
    world.jobs.run()
    assert world.get(found).state is RetrainingState.EXPIRED
    assert world.promoted == []


def test_the_same_data_is_one_retraining_while_it_is_open(world):
    assert world.start() == world.start()
    world.jobs.run()
    assert len(world.trained) == 1


def test_a_trainer_that_fails_ends_its_retraining(world):
    world.retrainings._trainers[MODEL] = lambda _: 1 / 0
    found = world.start()
    world.jobs.run()
    assert world.get(found).state is RetrainingState.FAILED
    assert "ZeroDivisionError" in world.get(found).facts["why"]


def test_a_version_that_may_not_serve_ends_its_retraining(world):
    found = world.start()
    world.run_until(RetrainingState.WAITING, found)
    world.problem = Conflict("The golden batch does not reproduce.")
    world.retrainings.decide(found, world.get(found).approval_hash, "eva", approve=True)
    world.jobs.run()
    assert world.get(found).state is RetrainingState.FAILED
    assert "golden batch" in world.get(found).facts["why"]


def test_the_training_data_is_kept_until_the_end_only(world, tmp_path):
    found = world.start()
    world.run_until(RetrainingState.WAITING, found)
    assert len(list((tmp_path / "data").iterdir())) == 1
    world.jobs.run()
    assert list((tmp_path / "data").iterdir()) == []


def test_what_cannot_be_trained_is_told(world):
    with pytest.raises(NotTrainable, match="trainable: fraud-classifier"):
        world.retrainings.start("other", b"rows", "", "ada")
    with pytest.raises(TrainingDataRefused):
        world.retrainings.start(MODEL, b" \n", "", "ada")
    with pytest.raises(RetrainingUnknown):
        world.retrainings.decide("none", "", "eva", approve=True)
