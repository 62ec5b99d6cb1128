"""`knowledge cache-trial` replays recorded questions and changes nothing."""

import pytest

TEXT = "The valve opens at 4 bar. The pump holds 3 litres of oil."


@pytest.mark.feature("F697")
def test_recorded_questions_are_replayed_against_each_size(trimtab, tmp_path, serve):
    (tmp_path / "pump.md").write_text(TEXT)
    serve()
    assert trimtab("ingest", "p", str(tmp_path / "pump.md")).code == 0
    valve, pump = "When does the valve open?", "How much oil does the pump hold?"
    for question in (valve, pump, valve, valve):
        assert trimtab("ask", "p", question).code == 0
    before = trimtab("projects", "list", "--json").json
    words = ("--entries", "1", "--entries", "2", "--json")
    done = trimtab("knowledge", "cache-trial", *words)
    assert (done.code, done.json["queries"], done.json["recorded_hit_ratio"]) == (0, 4, 0.5)
    assert [(t["entries"], t["hits"]) for t in done.json["trials"]] == [(1, 1), (2, 2)]
    assert all(trial["mean_ms"] > 0 for trial in done.json["trials"])
    assert trimtab("projects", "list", "--json").json == before


def test_without_a_record_it_says_what_to_do(trimtab):
    assert trimtab("projects", "create", "p").code == 0
    done = trimtab("knowledge", "cache-trial", "--entries", "1")
    assert done.code == 4
    assert "trimtab ask" in done.err
