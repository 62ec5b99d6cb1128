"""Builds the image without a container engine: `make image`.

The base is Debian, put together by mmdebstrap from Debian's packages; the packages are the locked wheels;
trimtab is its own wheel. Each is a layer. The result is an OCI layout, which is also what `docker load` reads.
"""

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parents[2]
SUITE, PYTHON = "bookworm", (3, 11)
"""The release of Debian, and the Python that it has."""
PACKAGES = (
    "python3.11-minimal",
    "libpython3.11-stdlib",
    "ca-certificates",
    "tzdata",
    "netbase",
    # What wheels are linked with.
    "libgomp1",
    "libstdc++6",
)
NAME = "knowledgebeast:latest"
USER = "10001:10001"
HOME = PurePosixPath("opt/trimtab")
SITE = HOME / "site-packages"
EPOCH = int(os.environ.get("SOURCE_DATE_EPOCH", "0"))  # noqa: TID251 - the standard of reproducible builds.
COMMAND = f"""#!/usr/bin/python3.{PYTHON[1]}
import sys

from trimtab.cli import main

sys.exit(main())
"""
_NOT_KEPT = (
    "dev", "proc", "sys", "etc/apt", "etc/resolv.conf", "etc/hostname", "var/cache", "var/lib/apt", "var/log",
)  # fmt: skip
"""Of the base: what a container engine makes itself, and what belongs to the machine that built it."""
_MADE = ("data", "tmp", "proc", "sys", "dev", "scripts")
"""Folders of the base that are made anew. A layer that names a path twice is refused by Podman."""
_TESTS = ("numpy", "pandas", "scipy", "sklearn", "sympy")
"""Packages whose tests are a good part of their size."""


class Failed(Exception):
    """The image cannot be built here; the text says why, and what to do."""


@dataclass
class Layout:
    """An OCI layout in a folder."""

    folder: Path
    layers: list[dict] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "blobs" / "sha256").mkdir(parents=True)

    def blob(self, data: bytes, kind: str) -> dict:
        """Store data under its digest and return its descriptor."""
        digest = hashlib.sha256(data).hexdigest()
        (self.folder / "blobs" / "sha256" / digest).write_bytes(data)
        return {"mediaType": kind, "digest": f"sha256:{digest}", "size": len(data)}

    def layer(self, archive: Path) -> None:
        """Store a tar archive as the next layer, compressed for registries."""
        plain = hashlib.sha256()
        packed = archive.with_suffix(".gz")
        with (
            archive.open("rb") as source,
            packed.open("wb") as target,
            gzip.GzipFile("", "wb", compresslevel=1, fileobj=target, mtime=EPOCH) as stream,
        ):
            while part := source.read(1 << 20):
                plain.update(part)
                stream.write(part)
        with packed.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = packed.stat().st_size
        shutil.move(packed, self.folder / "blobs" / "sha256" / digest)
        archive.unlink()
        kind = "application/vnd.oci.image.layer.v1.tar+gzip"
        self.layers.append({"mediaType": kind, "digest": f"sha256:{digest}", "size": size})
        self.digests.append(f"sha256:{plain.hexdigest()}")

    def finish(self, config: dict) -> None:
        """Write configuration, manifest and index, and what `docker load` reads besides."""
        whole = {
            "architecture": "amd64",
            "os": "linux",
            "config": config,
            "rootfs": {"type": "layers", "diff_ids": self.digests},
        }
        described = self.blob(_json(whole), "application/vnd.oci.image.config.v1+json")
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": described,
            "layers": self.layers,
        }
        listed = {
            **self.blob(_json(manifest), kind),
            "annotations": {"org.opencontainers.image.ref.name": NAME},
        }
        docker = {
            "Config": _path(described),
            "RepoTags": [NAME],
            "Layers": [_path(layer) for layer in self.layers],
        }
        for name, body in (
            ("oci-layout", {"imageLayoutVersion": "1.0.0"}),
            ("index.json", {"schemaVersion": 2, "manifests": [listed]}),
            ("manifest.json", [docker]),
        ):
            (self.folder / name).write_bytes(_json(body))


def _json(body: object) -> bytes:
    return json.dumps(body, sort_keys=True).encode()


def _path(described: dict) -> str:
    return "blobs/" + described["digest"].replace(":", "/")


def base(folder: Path) -> Path:
    """Return an archive of Debian with the packages, without what belongs to this machine."""
    whole = folder / "debian.tar"
    tools = _mmdebstrap(folder)
    # The machine's own mirror, if it has that release; else mmdebstrap takes Debian's.
    files = [Path("/etc/apt/sources.list.d/debian.sources"), Path("/etc/apt/sources.list")]
    sources = [file for file in files if file.is_file() and SUITE in file.read_text("utf-8")][:1]
    excluded = ("man/*", "locale/*", "info/*", "doc/*")
    options = [f"--dpkgopt=path-exclude=/usr/share/{each}" for each in excluded]
    _run(
        "mmdebstrap",
        f"--include={','.join(PACKAGES)}",
        "--variant=essential",
        *options,
        "--dpkgopt=path-include=/usr/share/doc/*/copyright",
        SUITE,
        whole,
        *sources,
        env={"PATH": f"{tools}:{os.environ['PATH']}", "SOURCE_DATE_EPOCH": str(EPOCH)},  # noqa: TID251
    )
    kept = folder / "base.tar"
    with (
        tarfile.open(whole) as source,
        tarfile.open(kept, "w", format=tarfile.PAX_FORMAT) as target,
    ):
        for member in source:
            name = member.name.removeprefix("./")
            if name in _MADE or any(
                name == each or name.startswith(f"{each}/") for each in _NOT_KEPT
            ):
                continue
            member.mtime = EPOCH
            member.pax_headers = {}
            target.addfile(member, source.extractfile(member) if member.isreg() else None)
        for name in _MADE:
            target.addfile(_folder(name, 0o1777 if name in ("data", "tmp") else 0o755))
    whole.unlink()
    return kept


def _mmdebstrap(folder: Path) -> Path:
    """Return the folder of mmdebstrap, which is fetched when the machine lacks it."""
    found = shutil.which("mmdebstrap")
    if found:
        return Path(found).parent
    if not shutil.which("apt-get"):
        raise Failed(
            "The base is made of Debian's packages, and this machine has no apt-get: use the Containerfile."
        )
    folder.chmod(0o755)
    _run("apt-get", "download", "mmdebstrap", cwd=folder)
    (archive,) = folder.glob("mmdebstrap_*.deb")
    _run("dpkg-deb", "-x", archive, folder / "mmdebstrap")
    return folder / "mmdebstrap" / "usr" / "bin"


def packages(folder: Path) -> Path:
    """Return an archive of the locked wheels, compiled."""
    target = folder / "packages" / SITE
    _uv("--require-hashes", "--target", target, "-r", ROOT / "requirements" / "image.lock")
    shutil.rmtree(target / "bin", ignore_errors=True)
    for name in _TESTS:
        for tests in sorted((target / name).rglob("tests"), reverse=True):
            shutil.rmtree(tests)
    return _compiled(folder / "packages", target)


def own(folder: Path) -> Path:
    """Return an archive of trimtab itself, its command and the documents' scripts."""
    tree = folder / "own"
    target = tree / SITE
    _run(_bin("hatchling"), "build", "-t", "wheel", "-d", folder, cwd=ROOT)
    (wheel,) = folder.glob("trimtab-*.whl")
    _uv("--no-deps", "--target", target, wheel)
    shutil.rmtree(target / "bin", ignore_errors=True)
    command = tree / "usr" / "local" / "bin" / "trimtab"
    command.parent.mkdir(parents=True)
    command.write_text(COMMAND)
    command.chmod(0o755)
    return _compiled(tree, target)


def _uv(*words: object) -> None:
    _run(
        _bin("uv"), "pip", "install", "--quiet", "--system-certs", "--link-mode", "hardlink",
        "--python", sys.executable, "--only-binary", ":all:", *words,
    )  # fmt: skip


def _compiled(tree: Path, code: Path) -> Path:
    """Compile the code for a root file system that is read-only, and return the tree as an archive."""
    # The time of a file in a layer is fixed, so the compiled file is not checked against it.
    _run(
        sys.executable, "-m", "compileall", "-q", "-j", "2", "--invalidation-mode", "unchecked-hash",
        "-s", tree, "-p", "/", code, fails=(0, 1),
    )  # fmt: skip
    for name in ("direct_url.json", "uv_cache.json"):  # They name files of this machine.
        for file in code.glob(f"*.dist-info/{name}"):
            file.unlink()
    archive = tree.with_suffix(".tar")
    with tarfile.open(archive, "w", format=tarfile.PAX_FORMAT) as target:
        for path in sorted(tree.rglob("*")):
            member = target.gettarinfo(path, str(path.relative_to(tree)))
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            member.mtime = EPOCH
            # Copies that share an inode stay copies: a hard link to another layer cannot be.
            if member.islnk():
                member.type, member.size = tarfile.REGTYPE, path.stat().st_size
            member.mode = 0o755 if member.isdir() or member.mode & 0o100 else 0o644
            target.addfile(member, path.open("rb") if member.isreg() else None)
    shutil.rmtree(tree)
    return archive


def _folder(name: str, mode: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.mode, member.mtime = tarfile.DIRTYPE, mode, EPOCH
    return member


def _bin(name: str) -> Path:
    return ROOT / ".venv" / "bin" / name


def _run(
    *words: object,
    cwd: Path = ROOT,
    env: dict[str, str] | None = None,
    fails: tuple[int, ...] = (0,),
) -> None:
    done = subprocess.run(
        [str(word) for word in words],
        cwd=cwd, env={**os.environ, **(env or {})}, capture_output=True, text=True, check=False,  # noqa: TID251
    )  # fmt: skip
    if done.returncode not in fails:
        said = (done.stderr or done.stdout).strip().splitlines()[-5:]
        raise Failed(f"{Path(str(words[0])).name} failed: " + "\n".join(said))


CONFIG = {
    "User": USER,
    "Env": [
        "PATH=/usr/local/bin:/usr/bin:/bin",
        f"PYTHONPATH=/{SITE}",
        "PYTHONDONTWRITEBYTECODE=1",
        "PYTHONUNBUFFERED=1",
        "LANG=C.UTF-8",
        "HOME=/tmp",
        "TRIMTAB_SERVICE_HOST=0.0.0.0",
        "TRIMTAB_SERVICE_DATA_DIR=/data/trimtab",
    ],
    "Entrypoint": ["trimtab"],
    "Cmd": ["serve"],
    "WorkingDir": "/",
    "ExposedPorts": {"8000/tcp": {}},
    "Volumes": {"/data": {}},
    "StopSignal": "SIGTERM",
    "Labels": {
        "org.opencontainers.image.title": "trimtab",
        "org.opencontainers.image.licenses": "Apache-2.0",
    },
}


def build(target: Path) -> None:
    """Build the image into the folder."""
    if sys.version_info[:2] != PYTHON:
        wanted = ".".join(map(str, PYTHON))
        raise Failed(
            f"Python {wanted} has to build it, as Debian {SUITE} has it: make PYTHON=python{wanted} image"
        )
    with tempfile.TemporaryDirectory(prefix="image-") as place:
        folder = Path(place)
        layout = Layout(target)
        for make in (base, packages, own):
            print(f"image: {make.__name__}", file=sys.stderr, flush=True)
            layout.layer(make(folder))
        layout.finish(CONFIG)


def save(layout: Path, archive: Path) -> None:
    """Write the layout as an archive for `docker load`."""
    with tarfile.open(archive, "w") as target:
        for path in sorted(layout.rglob("*")):
            if path.is_file():
                member = tarfile.TarInfo(str(path.relative_to(layout)))
                member.size, member.mtime, member.mode = path.stat().st_size, EPOCH, 0o644
                with path.open("rb") as data:
                    target.addfile(member, data)


def main() -> int:
    """Build the image and say where it is."""
    folder = Path(sys.argv[1]).resolve()
    try:
        build(folder / "oci")
    except Failed as error:
        print(f"image: {error}", file=sys.stderr)
        return 1
    save(folder / "oci", folder / "knowledgebeast.tar")
    print(
        f"image: {folder / 'oci'} is the OCI layout; docker load -i {folder / 'knowledgebeast.tar'}",
        file=sys.stderr,
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
