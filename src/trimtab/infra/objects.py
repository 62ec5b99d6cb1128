"""Objects that are written once, in a folder or in a bucket of S3."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from trimtab.infra.settings.sections.postgresql import PostgresqlSettings
from trimtab.kernel.errors import Corrupt, Misconfigured, Unavailable

_CONNECT_SECONDS, _READ_SECONDS = 5, 30
_EXISTS = ("PreconditionFailed", "ConditionalRequestConflict", "412", "409")


class ObjectsUnavailable(Unavailable):
    """The store of objects does not answer, or refuses the call."""

    code = "objects.unavailable"
    default_hint = "Check the bucket, its permissions and the network; the next round tries again."


class ObjectDiffers(Corrupt):
    """An object of that name with other content is there already."""

    code = "objects.differs"


class Objects(Protocol):
    """Objects that `put` never overwrites."""

    def names(self) -> frozenset[str]:
        """Return the names of all objects; raises `ObjectsUnavailable`."""
        ...

    def put(self, name: str, body: bytes) -> None:
        """Write an object that is not there yet; the same again changes nothing.

        Raises:
            ObjectDiffers: It is there with other content.
            ObjectsUnavailable: The store does not answer.
        """
        ...

    def put_file(self, name: str, file: Path) -> None:
        """Write a file as an object, also over a former one; raises `ObjectsUnavailable`."""
        ...

    def get_file(self, name: str, file: Path) -> None:
        """Write an object to a file; raises `ObjectsUnavailable`, also when it is not there."""
        ...

    def delete(self, name: str) -> None:
        """Delete an object, if it is there; raises `ObjectsUnavailable`."""
        ...


@dataclass(frozen=True, slots=True)
class FolderObjects:
    """Objects as files of a folder."""

    folder: Path

    def names(self) -> frozenset[str]:
        """Return the names of all objects; raises `ObjectsUnavailable`."""
        try:
            return frozenset(each.name for each in self.folder.iterdir() if each.is_file())
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            raise ObjectsUnavailable(f"{self.folder} cannot be read: {error.strerror}.") from error

    def put(self, name: str, body: bytes) -> None:
        """Write an object that is not there yet; see `Objects.put`."""
        file, part = self.folder / name, self.folder / f".{name}.{os.getpid()}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            with part.open("wb") as stream:
                stream.write(body)
                stream.flush()
                # A copy that a power cut left empty would never be written again.
                os.fsync(stream.fileno())
            try:
                os.link(part, file)  # Unlike a rename, it replaces nothing.
            except FileExistsError:
                _compare(name, file.read_bytes(), body)
            finally:
                part.unlink()
        except OSError as error:
            raise ObjectsUnavailable(f"{file} cannot be written: {error.strerror}.") from error

    def put_file(self, name: str, file: Path) -> None:
        """Write a file as an object; see `Objects.put_file`."""
        part = self.folder / f".{name}.{os.getpid()}"
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            shutil.copyfile(file, part)
            part.chmod(0o600)
            part.replace(self.folder / name)
        except OSError as error:
            part.unlink(missing_ok=True)
            raise ObjectsUnavailable(f"{name} cannot be written: {error.strerror}.") from error

    def get_file(self, name: str, file: Path) -> None:
        """Write an object to a file; see `Objects.get_file`."""
        try:
            shutil.copyfile(self.folder / name, file)
        except OSError as error:
            raise ObjectsUnavailable(f"{name} cannot be read: {error.strerror}.") from error

    def delete(self, name: str) -> None:
        """Delete an object; see `Objects.delete`."""
        try:
            (self.folder / name).unlink(missing_ok=True)
        except OSError as error:
            raise ObjectsUnavailable(f"{name} cannot be deleted: {error.strerror}.") from error


@dataclass(frozen=True, slots=True)
class BucketObjects:
    """Objects of an S3 bucket; a conditional write (If-None-Match) replaces nothing.

    Credentials come from where boto3 finds them: environment, profile or role.
    """

    client: Any
    bucket: str
    prefix: str = ""

    def names(self) -> frozenset[str]:
        """Return the names of all objects; raises `ObjectsUnavailable`."""
        with _translated():
            pages = self.client.get_paginator("list_objects_v2").paginate(
                Bucket=self.bucket, Prefix=self.prefix
            )
            keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return frozenset(key.removeprefix(self.prefix) for key in keys)

    def put(self, name: str, body: bytes) -> None:
        """Write an object that is not there yet; see `Objects.put`."""
        from botocore.exceptions import ClientError

        key = {"Bucket": self.bucket, "Key": self.prefix + name}
        with _translated():
            try:
                self.client.put_object(**key, Body=body, IfNoneMatch="*")
            except ClientError as error:
                if error.response.get("Error", {}).get("Code") not in _EXISTS:
                    raise
                _compare(name, self.client.get_object(**key)["Body"].read(), body)

    def put_file(self, name: str, file: Path) -> None:
        """Write a file as an object, in parts when it is large; see `Objects.put_file`."""
        with _translated():
            self.client.upload_file(str(file), self.bucket, self.prefix + name)

    def get_file(self, name: str, file: Path) -> None:
        """Write an object to a file; see `Objects.get_file`."""
        with _translated():
            self.client.download_file(self.bucket, self.prefix + name, str(file))

    def delete(self, name: str) -> None:
        """Delete an object; see `Objects.delete`."""
        with _translated():
            self.client.delete_object(Bucket=self.bucket, Key=self.prefix + name)


def open_objects(url: str, endpoint: str = "") -> Objects:
    """Return the objects at ``s3://bucket/prefix``, or in a folder for any other address.

    Raises:
        Misconfigured: The address has no bucket, or boto3 is not installed.
    """
    parts = urlsplit(url)
    if parts.scheme != "s3":
        return FolderObjects(Path(url))
    if not parts.netloc:
        raise Misconfigured(
            f"The address of the bucket is not valid: {url}.",
            hint="Write s3://BUCKET or s3://BUCKET/PREFIX.",
        )
    try:
        import boto3
        from botocore.config import Config
    except ImportError as error:
        raise Misconfigured(
            "Objects in S3 need boto3, which is not installed.",
            hint="Install it with `pip install 'trimtab[s3]'`.",
        ) from error
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"mode": "standard", "max_attempts": 3},
    )
    client = boto3.client("s3", endpoint_url=endpoint or None, config=config)
    prefix = parts.path.strip("/")
    return BucketObjects(client, parts.netloc, f"{prefix}/" if prefix else "")


def open_copies(settings: PostgresqlSettings) -> Objects | None:
    """Return where dumps are copied to; None without an address; raises `Misconfigured`."""
    place = settings.backup_copies
    return open_objects(place, settings.backup_copies_endpoint) if place else None


def copy_new_files(folder: Path, objects: Objects) -> int:
    """Write each file of a folder that is not among the objects; return the number written.

    Raises:
        ObjectDiffers: An object has other content than its file.
        ObjectsUnavailable: The store does not answer; the next call writes the rest.
    """
    if not folder.is_dir():
        return 0
    there = objects.names()
    files = (each for each in folder.iterdir() if each.is_file() and each.name[0] != ".")
    missing = sorted(each for each in files if each.name not in there)
    for file in missing:
        objects.put(file.name, file.read_bytes())
    return len(missing)


def _compare(name: str, there: bytes, body: bytes) -> None:
    if there != body:
        raise ObjectDiffers(
            f"The object {name} is there with other content.",
            hint="Compare both; an address must belong to one installation.",
        )


@contextmanager
def _translated() -> Iterator[None]:
    """Raise the errors of boto3 as `ObjectsUnavailable`."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError, Boto3Error) as error:
        reason = type(error).__name__
        if isinstance(error, ClientError):  # Such as AccessDenied or NoSuchBucket.
            reason = error.response.get("Error", {}).get("Code") or reason
        raise ObjectsUnavailable(f"The bucket cannot be used: {reason}.") from error
