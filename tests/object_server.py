"""A real S3 API server on loopback, and buckets on it."""

import pytest


@pytest.fixture(scope="module")
def s3_endpoint():
    """Yield the address of the server."""
    from moto.server import ThreadedMotoServer  # Takes a second, and few tests need it.

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def dumps_address(s3_endpoint, tmp_path, monkeypatch):
    """Return ``s3://BUCKET/dumps`` of a new bucket, with credentials in the environment."""
    import boto3

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    name = f"bucket-{abs(hash(tmp_path))}"
    boto3.client("s3", endpoint_url=s3_endpoint).create_bucket(Bucket=name)
    return f"s3://{name}/dumps"
