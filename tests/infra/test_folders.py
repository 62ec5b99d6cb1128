"""Nothing outside of a folder is read through it, also when it changes between listing and opening."""

import os

import pytest

from trimtab.infra.folders import list_folder


@pytest.fixture
def folder(tmp_path):
    made = tmp_path / "in"
    (made / "sub").mkdir(parents=True)
    (made / "sub" / "page.md").write_text("A page.")
    (made / "a.md").write_text("First.")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "page.md").write_text("secret")
    return made


def names(listing):
    return [file.name for file in listing.files]


def test_files_are_listed_by_path_and_read(folder):
    listing = list_folder(folder)
    assert names(listing) == ["a.md", "sub/page.md"]
    assert listing.files[1].read_text() == "A page."
    assert listing.files[1].size == len("A page.")
    assert listing.summary() == ""


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("link.md", "{out}/page.md"),
        ("sub/link.md", "../../out/page.md"),
        ("linked", "{out}"),
        ("inner.md", "a.md"),
        ("broken", "nowhere"),
        ("loop", "."),
    ],
)
def test_no_link_is_followed_and_each_is_told(folder, tmp_path, link, target):
    (folder / link).symlink_to(target.format(out=tmp_path / "out"))
    listing = list_folder(folder)
    assert names(listing) == ["a.md", "sub/page.md"]
    assert [entry.name for entry in listing.left_out] == [link]
    assert link in listing.summary()


def test_a_named_pipe_is_left_out_and_not_waited_for(folder):
    os.mkfifo(folder / "pipe.md")
    listing = list_folder(folder)
    assert [(entry.name, entry.reason) for entry in listing.left_out] == [
        ("pipe.md", "not a regular file")
    ]


def test_a_name_that_is_not_text_is_told_and_the_rest_is_read(folder):
    (folder / os.fsdecode(b"caf\xe9.md")).write_text("x")
    (folder / os.fsdecode(b"th\xe9")).mkdir()
    (folder / os.fsdecode(b"th\xe9") / "page.md").write_text("x")
    listing = list_folder(folder)
    assert names(listing) == ["a.md", "sub/page.md"]
    assert [entry.name for entry in listing.unreadable] == [r"caf\xe9.md", r"th\xe9"]


def test_hidden_entries_are_left_out_without_a_word(folder):
    (folder / ".git").mkdir()
    (folder / ".git" / "config.md").write_text("x")
    listing = list_folder(folder)
    assert names(listing) == ["a.md", "sub/page.md"]
    assert [entry.name for entry in listing.left_out] == [".git"]
    assert listing.summary() == ""


def test_a_file_that_became_a_link_is_not_opened(folder, tmp_path):
    file = list_folder(folder).files[0]
    (folder / "a.md").unlink()
    (folder / "a.md").symlink_to(tmp_path / "out" / "page.md")
    with pytest.raises(OSError, match="symbolic links"):
        file.open()


def test_a_folder_that_became_a_link_is_not_entered(folder, tmp_path):
    file = list_folder(folder).files[1]
    (folder / "sub" / "page.md").unlink()
    (folder / "sub").rmdir()
    (folder / "sub").symlink_to(tmp_path / "out")
    with pytest.raises(NotADirectoryError):
        file.open()


def test_a_file_that_became_a_pipe_is_not_waited_for(folder):
    file = list_folder(folder).files[0]
    (folder / "a.md").unlink()
    os.mkfifo(folder / "a.md")
    with pytest.raises(OSError, match="regular"):
        file.open()


def test_the_folder_itself_may_be_reached_through_a_link(folder, tmp_path):
    (tmp_path / "link").symlink_to(folder)
    assert names(list_folder(tmp_path / "link")) == ["a.md", "sub/page.md"]


def test_a_folder_that_cannot_be_listed_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        list_folder(tmp_path / "nowhere")
