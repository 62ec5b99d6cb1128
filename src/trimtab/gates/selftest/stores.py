"""Corruptions of datasets and their manifests."""

from collections.abc import Callable
from pathlib import Path

from trimtab.gates.datasets import MANIFEST, write_manifest
from trimtab.gates.selftest.corruption import Corruption

_SUM = ("datasets.checksum_mismatch",)
_BAD = ("datasets.manifest_malformed",)
_UNSAFE = ("datasets.unsafe_path", "datasets.manifest_malformed")


def _case(name: str, edit: Callable[[Path], object], expect: tuple[str, ...]) -> Corruption:
    return Corruption(
        "datasets", name, lambda sample: edit(sample.project.datasets / "questions"), expect
    )


def _flip(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))


def _swap(first: Path, second: Path) -> None:
    first_bytes, second_bytes = first.read_bytes(), second.read_bytes()
    first.write_bytes(second_bytes)
    second.write_bytes(first_bytes)


def _manifest(edit: Callable[[str], str]) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / MANIFEST
        path.write_text(edit(path.read_text(encoding="utf-8")), encoding="utf-8")

    return change


def _append(path: Path, text: str) -> None:
    path.write_text(path.read_text(encoding="utf-8") + text, encoding="utf-8")


def _cut(folder: Path, *, keep: int, again: bool) -> None:
    path = folder / "data.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:keep]))
    if again:
        write_manifest(folder)


def _label(folder: Path) -> None:
    path = folder / "data.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"label":0', b'"label":1', 1))
    write_manifest(folder)


def _link(folder: Path) -> None:
    path = folder / "data.jsonl"
    moved = folder.parent / "elsewhere.jsonl"
    path.rename(moved)
    path.symlink_to(moved)


def _remove(folder: Path) -> None:
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


CORRUPTIONS: tuple[Corruption, ...] = (
    _case("one bit flipped", lambda folder: _flip(folder / "data.jsonl"), _SUM),
    _case("a line added", lambda folder: _append(folder / "data.jsonl", "{}\n"), _SUM),
    _case("a blank added", lambda folder: _append(folder / "notes.csv", " "), _SUM),
    _case("the last line missing", lambda folder: _cut(folder, keep=119, again=False), _SUM),
    _case("a file emptied", lambda folder: (folder / "notes.csv").write_bytes(b""), _SUM),
    _case("two files' contents swapped", lambda folder: _swap(folder / "data.jsonl", folder / "notes.csv"), _SUM),
    _case("a file removed", lambda folder: (folder / "notes.csv").unlink(), ("datasets.file_missing",)),
    _case("a file renamed", lambda folder: (folder / "notes.csv").rename(folder / "n.csv"), ("datasets.file_missing",)),
    _case("a file added", lambda folder: (folder / "more.jsonl").write_text("{}\n"), ("datasets.file_unlisted",)),
    _case("a hidden file added", lambda folder: (folder / ".more").write_text("{}\n"), ("datasets.file_unlisted",)),
    _case("a file replaced by a link", _link, _UNSAFE),
    _case("the dataset removed", _remove, ("datasets.not_found",)),
    _case("the manifest removed", lambda folder: (folder / MANIFEST).unlink(), ("datasets.manifest_missing",)),
    _case("the manifest emptied", lambda folder: (folder / MANIFEST).write_bytes(b""), _BAD),
    _case("another dataset's manifest", lambda folder: _swap(folder / MANIFEST, folder.parent / "golden" / MANIFEST), _SUM),
    _case("two hashes swapped", _manifest(lambda text: "".join(f"{a[:64]}{b[64:]}" for a, b in zip(text.splitlines(keepends=True), reversed(text.splitlines(keepends=True)), strict=True))), _SUM),
    _case("a manifest line doubled", _manifest(lambda text: text + text.splitlines(keepends=True)[0]), _BAD),
    _case("a hash cut short", _manifest(lambda text: text[8:]), _BAD),
    _case("a hash in capitals", _manifest(lambda text: text[:64].upper() + text[64:]), (*_BAD, *_SUM)),
    _case("one blank instead of two", _manifest(lambda text: text.replace("  ", " ", 1)), _BAD),
    _case("a comment in the manifest", _manifest(lambda text: "# sums\n" + text), _BAD),
    _case("a manifest line that leaves the dataset", _manifest(lambda text: text.replace("notes.csv", "../golden/notes.csv")), _UNSAFE),
    _case("a manifest line with a full path", _manifest(lambda text: text.replace("notes.csv", "/etc/hostname")), _UNSAFE),
    _case("a subset with a fresh manifest", lambda folder: _cut(folder, keep=50, again=True), ("datasets.too_few_samples",)),
    _case("a label changed, with a fresh manifest", _label, ("datasets.changed",)),
    _case("others may write", lambda folder: (folder / "data.jsonl").chmod(0o666), ("datasets.world_writable",)),
    _case("unreadable for everyone", lambda folder: (folder / "data.jsonl").chmod(0o000), ("datasets.permission_denied",)),
)  # fmt: skip
