"""Where the bytes of files stand: a folder, or a bucket of an S3-compatible store.

One small interface; a database row says that a file is there, whose it is and what it holds.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import BinaryIO
from urllib.parse import parse_qs, unquote, urlsplit
from uuid import uuid4

import obstore
from obstore.exceptions import BaseError
from obstore.store import LocalStore, MemoryStore, ObjectStore, S3Store

from shared.messaging.errors import Transient

log = logging.getLogger(__name__)

PIECE = 1 << 20
"""Bytes that are held of a file on its way out; on its way in it is one part of S3's."""
PART = 5 << 20
REQUEST = timedelta(seconds=60)


class ShelfAway(Transient):
    """The store does not do what it is asked, and may do so later."""


class NotThere(LookupError):
    """Nothing stands under this name."""


@dataclass(frozen=True, slots=True)
class Stands:
    """One thing on the shelf; `at` by the store's own clock."""

    name: str
    size: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Shelf:
    """Names are slash-separated codes. `folder` is set where it is a folder of this machine."""

    store: ObjectStore
    folder: Path | None = None

    async def put(self, name: str, file: BinaryIO) -> None:
        """Store a file from its beginning, whole or not at all. Raises ShelfAway."""
        file.seek(0)
        with _faults(f"store {name}"):
            await obstore.put_async(
                self.store, name, _pieces(file), chunk_size=PART, max_concurrency=1
            )
            if self.folder is not None:
                await asyncio.to_thread(_keep, self.folder, self.folder / name)

    async def size(self, name: str) -> int:
        """How many bytes stand there. Raises NotThere, ShelfAway."""
        with _faults(f"look for {name}"):
            return (await obstore.head_async(self.store, name))["size"]

    async def read(self, name: str, start: int, end: int) -> AsyncIterator[bytes]:
        """The bytes from `start` to before `end`, in pieces, however slowly they are taken.

        Raises NotThere, ShelfAway.
        """
        for at in range(start, end, PIECE):
            with _faults(f"read {name}"):
                until = min(end, at + PIECE)
                piece = await obstore.get_range_async(self.store, name, start=at, end=until)
            yield bytes(piece)

    async def remove(self, name: str) -> None:
        """Take it off; what is not there is no fault. Raises ShelfAway."""
        try:
            with _faults(f"remove {name}"):
                await obstore.delete_async(self.store, name)
        except NotThere:
            return

    async def everything(self) -> AsyncIterator[Stands]:
        """All that stands there, in no order. Raises ShelfAway."""
        with _faults("list"):
            async for found in obstore.list(self.store):
                for one in found:
                    yield Stands(one["path"], one["size"], one["last_modified"])

    async def check(self) -> None:
        """Raises ShelfAway unless it takes a file, gives it back and lets it go."""
        name = f"check/{uuid4()}"
        with _faults("try"):
            await obstore.put_async(self.store, name, b"thidua")
            given = await obstore.get_async(self.store, name)
            same = bytes(await given.bytes_async()) == b"thidua"
            await obstore.delete_async(self.store, name)
        if not same:
            raise ShelfAway("the store gives back something else than it was given")


async def _pieces(file: BinaryIO) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(file.read, PIECE):
        yield piece


def _keep(folder: Path, path: Path) -> None:
    """Have the disk hold it before anything says that it is there, its folders as well."""
    for part in (path, *path.parents):
        opened = os.open(part, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)
        if part == folder:
            return


@contextmanager
def _faults(what: str) -> Iterator[None]:
    """The library's errors, and the system's, as ours."""
    try:
        yield
    except FileNotFoundError as error:
        raise NotThere(what) from error
    except (BaseError, OSError) as error:
        reason = str(error).partition("\n")[0]
        log.warning("the store of files could not %s: %s", what, reason)
        raise ShelfAway(f"{what}: {reason}") from error


def shelf_at(address: str, key_id: str = "", key_secret: str = "") -> Shelf:
    """`file:///folder`, `s3://bucket/prefix?endpoint=https://…&region=…`, or "": in memory, gone
    with the process.

    Raises ValueError on any other address, OSError on a folder that cannot be made.
    """
    if not address:
        return Shelf(MemoryStore())
    parts = urlsplit(address)
    if parts.scheme == "file" and not parts.netloc and parts.path.startswith("/"):
        folder = Path(unquote(parts.path))
        return Shelf(LocalStore(folder, mkdir=True), folder.resolve())
    if parts.scheme == "s3" and parts.netloc:
        return Shelf(_bucket(address, key_id, key_secret))
    raise ValueError("is neither file:///folder nor s3://bucket?endpoint=https://host")


def check_address(address: str, key_id: str, key_secret: str) -> None:
    """Raises ValueError on an address that `shelf_at` would not take; touches nothing."""
    parts = urlsplit(address)
    if parts.scheme == "s3" and parts.netloc:
        told = parse_qs(parts.query, strict_parsing=bool(parts.query))
        if not set(told) <= {"endpoint", "region"}:
            raise ValueError("an s3:// address may say endpoint and region, and nothing else")
        if not key_id or not key_secret:
            raise ValueError("an s3:// address needs THIDUA_EVIDENCE_KEY_ID and _KEY_SECRET")
    elif address and (parts.scheme, parts.netloc) != ("file", ""):
        raise ValueError("is neither file:///folder nor s3://bucket?endpoint=https://host")


def _bucket(address: str, key_id: str, key_secret: str) -> ObjectStore:
    check_address(address, key_id, key_secret)
    parts = urlsplit(address)
    told = {name: values[0] for name, values in parse_qs(parts.query).items()}
    endpoint = told.get("endpoint", "")
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config={
            "access_key_id": key_id,
            "secret_access_key": key_secret,
            "region": told.get("region", "us-east-1"),
            "virtual_hosted_style_request": not endpoint,
            **({"endpoint": endpoint} if endpoint else {}),
        },
        client_options={
            "allow_http": endpoint.startswith("http:"),
            "connect_timeout": timedelta(seconds=5),
            "timeout": REQUEST,
        },
        retry_config={"max_retries": 2, "retry_timeout": REQUEST},
    )
