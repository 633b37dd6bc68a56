"""Backups in a container of Azure Blob Storage, or of Azurite. Which account and whose key is decided elsewhere."""

from __future__ import annotations

import hashlib
import uuid
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor

from azure.core import MatchConditions
from azure.core.exceptions import HttpResponseError, ResourceExistsError, ResourceNotFoundError
from azure.storage.blob import BlobBlock, BlobClient, ContainerClient, ContentSettings

from sales_platform.backup.azure_errors import code_of, exists, told
from sales_platform.backup.blob_names import checked
from sales_platform.backup.blocks import blocks
from sales_platform.backup.store import StoredBlob

# A blob may have 50,000 of them, so a table may have 195 GiB.
BLOCK_BYTES = 4 << 20
# Each blob that is being written holds these, the block that fills, and one more on its way into the socket.
IN_FLIGHT = 2
# What the service says of a name that is taken, or whose blocks another writer has just replaced.
_TAKEN = {"BlobAlreadyExists", "InvalidBlockList", "ConditionNotMet", "UnauthorizedBlobOverwrite"}
# Says whose a blob is, when the answer to its own last request was lost.
_WRITER = "writer"


class AzureStore:
    """Blobs below a prefix of one container.

    A blob appears with its last request, which the service refuses where the name is taken; until then there are only
    blocks that nobody sees and that the service forgets. Every block is checked by its MD5 on the way in and out.
    """

    creates_exclusively = True

    def __init__(
        self, container: ContainerClient, prefix: str = "", *, makes_container: bool = False
    ) -> None:
        self._container = container
        self._prefix = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
        self._makes_container = makes_container

    @property
    def place(self) -> str:
        return f"abfs://{self._container.container_name}/{self._prefix}".rstrip("/")

    def put(self, name: str, pieces: Iterable[bytes]) -> None:
        blob = self._blob(name)
        self._make_container()
        _Upload(blob, name, self.place).send(blocks(pieces, BLOCK_BYTES))

    def read(self, name: str) -> Iterator[bytes]:
        blob = self._blob(name)
        with told(name, self.place):
            # Every request after the first asks for the version that the first one saw.
            yield from blob.download_blob(validate_content=True, max_concurrency=1).chunks()

    def list(self, prefix: str) -> Iterator[StoredBlob]:
        self._make_container()
        with told(prefix, self.place):
            found = [
                StoredBlob(blob.name.removeprefix(self._prefix), blob.size)
                for blob in self._container.list_blobs(self._prefix + prefix, include=["metadata"])
                # Accounts with a hierarchical namespace list their folders too.
                if not (blob.metadata or {}).get("hdi_isfolder")
            ]
        yield from sorted(found, key=lambda blob: blob.name)

    def remove(self, name: str) -> None:
        blob = self._blob(name)
        with told(name, self.place):
            try:
                blob.delete_blob()
            except HttpResponseError as error:
                if code_of(error) != "BlobNotFound":
                    raise

    def _blob(self, name: str) -> BlobClient:
        return self._container.get_blob_client(self._prefix + checked(name))

    def _make_container(self) -> None:
        if not self._makes_container:
            return
        with told(self.place, self.place):
            try:
                self._container.create_container()
            except ResourceExistsError as error:
                if code_of(error) != "ContainerAlreadyExists":
                    raise
        self._makes_container = False


class _Upload:
    """One blob on its way: its blocks, some at once, and the request that joins them.

    A small one goes the same way, because a store may count the blocks that a killed writer left as a blob when
    another is sent in one request.
    """

    def __init__(self, blob: BlobClient, name: str, place: str) -> None:
        self._blob = blob
        self._name = name
        self._place = place
        self._token = uuid.uuid4().hex
        self._md5 = hashlib.md5(usedforsecurity=False)
        self._ids: list[str] = []

    def send(self, content: Iterator[bytes]) -> None:
        """What `content` itself raises is passed on as it is: it is no failure of the store."""
        waiting: deque[Future[None]] = deque()
        with ThreadPoolExecutor(IN_FLIGHT, thread_name_prefix="backup-block") as pool:
            try:
                for block in content:
                    self._md5.update(block)
                    if len(waiting) == IN_FLIGHT:
                        waiting.popleft().result()
                    waiting.append(pool.submit(self._stage_one, self._next_id(), block))
                while waiting:
                    waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()
        self._join()

    def _next_id(self) -> str:
        """Ids of one blob must be of one length, and two writers of one name must not share any."""
        self._ids.append(f"{self._token}-{len(self._ids):06d}")
        return self._ids[-1]

    def _stage_one(self, block_id: str, block: bytes) -> None:
        with told(self._name, self._place):
            self._blob.stage_block(block_id, block, length=len(block), validate_content=True)

    def _join(self) -> None:
        with told(self._name, self._place):
            try:
                self._blob.commit_block_list(
                    [BlobBlock(block_id) for block_id in self._ids],
                    content_settings=ContentSettings(content_md5=bytearray(self._md5.digest())),
                    metadata={_WRITER: self._token},
                    match_condition=MatchConditions.IfMissing,
                )
            except HttpResponseError as error:
                if code_of(error) not in _TAKEN or not self._is_ours():
                    raise

    def _is_ours(self) -> bool:
        """Whether the blob is this very one: then only the answer was lost, and the next attempt was refused.

        Raises BlobExists where it is another one.
        """
        try:
            found = self._blob.get_blob_properties()
        except ResourceNotFoundError:
            return False
        if found.metadata.get(_WRITER) == self._token:
            return True
        raise exists(self._name) from None
