import shutil

import pytest

from trimtab.knowledge.errors import EmbedderUnavailable
from trimtab.knowledge.model_home import MiniLmHome


@pytest.fixture
def home(tmp_path):
    return MiniLmHome(tmp_path / "models" / "minilm", threads=1)


@pytest.mark.timeout(300)
def test_the_first_start_makes_the_files_and_a_restart_leaves_what_it_finds(home):
    home.prepare()
    assert not home.missing()
    shutil.rmtree(home.folder)
    home.prepare()
    assert home.missing()
    with pytest.raises(EmbedderUnavailable):
        home.load()
    assert home.install()
    assert home.problem() == ""
