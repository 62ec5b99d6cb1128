import shutil

import pytest

from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.model_store import MiniLmStore


@pytest.fixture
def home(tmp_path):
    return MiniLmStore(tmp_path / "models" / "minilm", threads=1)


@pytest.mark.feature("F651")
@pytest.mark.timeout(300)
def test_the_first_start_makes_the_files_and_a_restart_leaves_what_it_finds(home):
    home.prepare()
    assert not home.missing()
    kinds = {file.name for file in home.folder.rglob("*") if file.is_file()}
    assert {"model.bin", "config.json"} <= kinds
    assert any("token" in name or "vocab" in name for name in kinds)
    shutil.rmtree(home.folder)
    home.prepare()
    assert home.missing()
    with pytest.raises(EmbedderUnavailable):
        home.load()
    assert home.install()
    assert home.problem() == ""
