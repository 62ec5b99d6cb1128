"""Copies of artifacts in an S3 bucket, and their return when the local files are damaged."""

import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from trimtab.infra.dependencies import Dependencies, DependencyUnavailable
from trimtab.kernel.errors import Misconfigured, Unavailable

T = TypeVar("T")
_CONNECT_SECONDS = 5
_READ_SECONDS = 60


class RemoteUnavailable(Unavailable):
    """The bucket of the artifacts cannot be used."""

    code = "models.remote_unavailable"
    default_hint = (
        "Check `models.artifacts_url`, the server's address and the credentials; the copy on this"
        " disk still serves."
    )


class RemoteArtifacts(Protocol):
    """A second place for artifacts."""

    def upload(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Store the files of a version; raises `RemoteUnavailable`."""
        ...

    def download(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Fetch the files of a version into a folder; raises `RemoteUnavailable`.

        What comes is checked by its caller, against the signed manifest.
        """
        ...

    def holds(self, name: str, version: int, files: Mapping[str, str]) -> bool:
        """Return whether every file of a version is there; raises `RemoteUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class CopiedArtifacts:
    """Artifacts as ``FOLDER/NAME/VERSION/FILE``: a second copy on this disk or another one."""

    root: Path

    def upload(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Copy the files of a version; raises `RemoteUnavailable`."""
        try:
            for file in files:
                target = self.root / name / str(version) / file
                target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
                partial = target.with_name(f".{target.name}.new")
                shutil.copyfile(folder / file, partial)
                partial.replace(target)
        except OSError as error:
            raise self._failed("written", error) from error

    def download(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Copy the files of a version into a folder; raises `RemoteUnavailable`."""
        try:
            for file in files:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.root / name / str(version) / file, target)
        except OSError as error:
            raise self._failed("read", error) from error

    def holds(self, name: str, version: int, files: Mapping[str, str]) -> bool:
        """Return whether every file of a version is there."""
        return all((self.root / name / str(version) / file).is_file() for file in files)

    def _failed(self, verb: str, error: OSError) -> RemoteUnavailable:
        return RemoteUnavailable(
            f"The copy of the artifact in {self.root} cannot be {verb}: {error.strerror}."
        )


@dataclass(frozen=True, slots=True)
class S3Artifacts:
    """Artifacts as ``s3://bucket/prefix/NAME/VERSION/FILE``.

    Credentials come from where boto3 finds them: environment, profile or role.
    """

    client: Any
    bucket: str
    prefix: str

    @classmethod
    def of(cls, url: str, endpoint: str = "") -> "S3Artifacts":
        """Return the artifacts at ``s3://bucket/prefix``.

        Raises:
            Misconfigured: The address is not an S3 address, or boto3 is not installed.
        """
        parts = urlsplit(url)
        if parts.scheme != "s3" or not parts.netloc:
            raise Misconfigured(
                f"`models.artifacts_url` is not an S3 address: {url}.",
                hint="Write s3://BUCKET or s3://BUCKET/PREFIX.",
            )
        try:
            import boto3
            from botocore.config import Config
        except ImportError as error:
            raise Misconfigured(
                "Artifacts in S3 need boto3, which is not installed.",
                hint="Install it with `pip install 'trimtab[s3]'`.",
            ) from error
        config = Config(
            connect_timeout=_CONNECT_SECONDS,
            read_timeout=_READ_SECONDS,
            retries={"mode": "standard", "max_attempts": 3},
        )
        client = boto3.client("s3", endpoint_url=endpoint or None, config=config)
        return cls(client, parts.netloc, parts.path.strip("/"))

    def upload(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Store the files of a version; raises `RemoteUnavailable`."""
        with _translated("stored in"):
            for file in files:
                self.client.upload_file(
                    str(folder / file), self.bucket, self._key(name, version, file)
                )

    def download(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Fetch the files of a version into a folder; raises `RemoteUnavailable`."""
        with _translated("fetched from"):
            for file in files:
                target = folder / file
                target.parent.mkdir(parents=True, exist_ok=True)
                self.client.download_file(self.bucket, self._key(name, version, file), str(target))

    def holds(self, name: str, version: int, files: Mapping[str, str]) -> bool:
        """Return whether every file of a version is there; raises `RemoteUnavailable`."""
        with _translated("looked up in"):
            prefix = self._key(name, version, "")
            found = self.client.list_objects_v2(Bucket=self.bucket, Prefix=prefix)
            keys = {entry["Key"] for entry in found.get("Contents", ())}
            return all(self._key(name, version, file) in keys for file in files)

    def _key(self, name: str, version: int, file: str) -> str:
        path = f"{name}/{version}/{file}"
        return f"{self.prefix}/{path}" if self.prefix else path


@dataclass(frozen=True, slots=True)
class GuardedArtifacts:
    """Artifacts in another service, behind a circuit breaker; its client tries three times."""

    inner: RemoteArtifacts
    dependencies: Dependencies

    def upload(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Store the files of a version; raises `RemoteUnavailable`."""
        self._call(lambda: self.inner.upload(name, version, folder, files))

    def download(self, name: str, version: int, folder: Path, files: Mapping[str, str]) -> None:
        """Fetch the files of a version into a folder; raises `RemoteUnavailable`."""
        self._call(lambda: self.inner.download(name, version, folder, files))

    def holds(self, name: str, version: int, files: Mapping[str, str]) -> bool:
        """Return whether every file of a version is there; raises `RemoteUnavailable`."""
        return self._call(lambda: self.inner.holds(name, version, files))

    def _call(self, work: Callable[[], T]) -> T:
        try:
            return self.dependencies.call("artifacts", work, RemoteUnavailable)
        except DependencyUnavailable as error:
            raise RemoteUnavailable(error.message) from error


@contextmanager
def _translated(verb: str) -> Iterator[None]:
    """Raise the errors of boto3 as `RemoteUnavailable`."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        raise RemoteUnavailable(
            f"The artifact could not be {verb} S3: {type(error).__name__}."
        ) from error
