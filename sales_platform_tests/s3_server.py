"""A server that speaks S3, on loopback, found by variables as a user would name his own."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import fsspec
import pytest
from moto.server import ThreadedMotoServer
from s3fs import S3FileSystem


@contextmanager
def s3_bucket(name: str) -> Iterator[str]:
    """The URL of an empty bucket of a server of its own."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    S3FileSystem.clear_instance_cache()
    try:
        with pytest.MonkeyPatch.context() as variables:
            variables.setenv("AWS_ENDPOINT_URL", f"http://{host}:{port}")
            variables.setenv("AWS_ACCESS_KEY_ID", "nobody")
            variables.setenv("AWS_SECRET_ACCESS_KEY", "nothing")
            variables.setenv("AWS_DEFAULT_REGION", "us-east-1")
            fsspec.filesystem("s3", use_listings_cache=False).mkdir(name)
            yield f"s3://{name}"
    finally:
        server.stop()
        S3FileSystem.clear_instance_cache()
