import json

import pytest

from tests.privacy.erasure.world import World
from trimtab.kernel.errors import Corrupt, Unavailable
from trimtab.privacy.erasure import ErasureState
from trimtab.privacy.erasure.certificate import verify_certificate
from trimtab.privacy.erasure.records import StepState
from trimtab.privacy.errors import BadUserId, ErasureFinished, ErasureUnknown

ANN = "ann.lovelace@example.org"


@pytest.fixture
def world(databases):
    world = World(databases.folder / "data")
    for notes in world.notes.values():
        notes.add(ANN)
        notes.add("bob")
    world.jobs.launch()
    yield world
    world.close()


def erase(world, user_id=ANN):
    return world.erasures.wait(world.erasures.request(user_id, actor="admin").id)


@pytest.mark.feature("F477", "F478")
def test_everything_about_the_user_goes_and_nothing_about_others(world):
    erasure = erase(world)
    assert erasure.state is ErasureState.DONE
    assert [(s.name, s.state, s.found, s.remaining) for s in erasure.steps] == [
        (name, StepState.DONE, 1, 0) for name in World.STEPS
    ]
    assert [notes.count("bob") for notes in world.notes.values()] == [1, 1, 1]


def test_the_user_id_is_in_no_file_afterwards(world):
    erase(world)
    world.jobs.close()
    files = [file for file in world.directory.path.rglob("*") if file.is_file()]
    assert len(files) > 3
    assert [file.name for file in files if b"lovelace" in file.read_bytes()] == []


@pytest.mark.feature("F480")
def test_the_audit_chain_says_that_someone_was_erased_but_not_who(world):
    erasure = erase(world)
    events = {event.action: event for event in world.audit.recent()}
    done = events["answers.user_erased"]
    assert (done.subject, json.loads(done.facts)["erasure"]) == (erasure.subject, erasure.id)
    assert events["answers.erasure_requested"].actor == "admin"
    assert "lovelace" not in str(events)
    assert world.audit.verify().problems == ()


def test_the_pseudonym_cannot_be_linked_to_the_user_again(world):
    assert world.subjects.pseudonym(ANN) == world.erasures.request(ANN, actor="a").subject
    erasure = erase(world)
    assert world.subjects.pseudonym(ANN) != erasure.subject


def test_the_certificate_is_signed_and_proves_whom_it_is_about(world):
    asked = world.erasures.request(ANN, actor="admin")
    done = world.erasures.wait(asked.id)
    public = world.signer.public_pem
    statement = verify_certificate(done.certificate, public, nonce=asked.nonce, user_id=ANN)
    assert statement["about_this_user"] is True
    assert statement["steps"] == [{"name": n, "found": 1, "remaining": 0} for n in World.STEPS]
    other = verify_certificate(done.certificate, public, nonce=asked.nonce, user_id="bob")
    assert other["about_this_user"] is False
    assert "lovelace" not in str(statement)


def test_a_changed_certificate_is_refused(world):
    envelope = {**erase(world).certificate, "payload": "e30="}
    with pytest.raises(Corrupt):
        verify_certificate(envelope, world.signer.public_pem)


def test_asking_twice_joins_the_erasure_under_way(world):
    first = world.erasures.request(ANN, actor="a")
    second = world.erasures.request(ANN, actor="b")
    assert second.id == first.id or world.erasures.find(first.id).state is ErasureState.DONE
    assert world.erasures.wait(second.id).state is ErasureState.DONE


def test_a_user_that_nobody_knows_is_erased_too(world):
    erasure = erase(world, "nobody")
    assert erasure.state is ErasureState.DONE
    assert [step.found for step in erasure.steps] == [0, 0, 0]


def test_what_comes_in_meanwhile_is_erased_in_another_pass(world):
    late = iter([True])
    world.notes["traces"].before_erase = lambda: next(late, False) and world.notes["queue"].add(ANN)
    erasure = erase(world)
    assert erasure.state is ErasureState.DONE
    assert world.notes["queue"].count(ANN) == 0


def test_a_step_that_is_down_for_a_while_is_done_later(world):
    failures = iter([True, True])

    def down():
        if next(failures, False):
            raise Unavailable("The index is down.")

    world.notes["documents"].before_erase = down
    erasure = erase(world)
    assert erasure.state is ErasureState.DONE
    assert erasure.steps[1].error == ""


def test_a_step_that_stays_down_fails_the_erasure_says_which_and_can_be_retried(world):
    def down():
        raise Unavailable("The index is down.")

    world.notes["documents"].before_erase = down
    erasure = erase(world)
    assert erasure.state is ErasureState.FAILED
    assert [step.state for step in erasure.steps] == ["done", "failed", "done"]
    assert (erasure.steps[1].error, erasure.certificate) == ("trimtab.unavailable", None)
    world.notes["documents"].before_erase = lambda: None
    again = world.erasures.wait(world.erasures.retry(erasure.id).id)
    assert (again.state, world.notes["documents"].count(ANN)) == (ErasureState.DONE, 0)
    assert again.steps[1].found == 1


def test_asking_again_after_a_failure_goes_on_with_it(world):
    world.notes["traces"].before_erase = lambda: 1 / 0
    failed = erase(world)
    assert failed.steps[2].error == "ZeroDivisionError"
    world.notes["traces"].before_erase = lambda: None
    assert erase(world).id == failed.id


class UnsteadyFleet:
    """A fleet whose database does not answer at first."""

    down = True

    def order_to_forget(self):
        if self.down:
            raise Unavailable("The fleet's connection to PostgreSQL failed.")
        return 1

    def behind(self, _number):
        return []


@pytest.mark.parametrize("again", ["resume", "request"])
def test_an_erasure_whose_job_failed_itself_is_completed_later(databases, again):
    fleet = UnsteadyFleet()
    world = World(databases.folder / "data", fleet=fleet)
    world.notes["traces"].add(ANN)
    world.jobs.launch()
    erasure = world.erasures.request(ANN, actor="admin")
    with pytest.raises(Unavailable):
        world.erasures.wait(erasure.id)
    assert world.erasures.find(erasure.id).state is ErasureState.RUNNING
    fleet.down = False
    if again == "resume":  # As the next start does.
        world.erasures.resume()
    else:
        assert world.erasures.request(ANN, actor="admin").id == erasure.id
    assert world.erasures.wait(erasure.id).state is ErasureState.DONE
    world.close()


def test_only_a_failed_erasure_can_be_retried(world):
    with pytest.raises(ErasureFinished):
        world.erasures.retry(erase(world).id)


@pytest.mark.parametrize("user_id", ["", "  ", "x" * 201])
def test_an_impossible_user_id_is_refused(world, user_id):
    with pytest.raises(BadUserId):
        world.erasures.request(user_id, actor="a")


def test_an_unknown_erasure_says_so(world):
    with pytest.raises(ErasureUnknown):
        world.erasures.find("erasure_none")
