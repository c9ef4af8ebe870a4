"""https through proxies: real CONNECT tunnels to a real TLS server that nobody is told of.

The proxy plays the world outside: it knows where each public name leads.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from redis.asyncio import Redis

from openfunnel import services
from openfunnel.queue.hosts import Ceilings, Hosts
from openfunnel.settings import Settings

from .crawl import Ending, Plan, crawl

NAMES = {"public.example": "93.184.215.14", "other.example": "1.1.1.1"}
LOGIN = "Basic bWU6c2VjcmV0"


@dataclass
class Server:
    """A server of this test, and the heads of what it was asked."""

    port: int = 0
    heads: list[str] = field(default_factory=list)

    @property
    def lines(self) -> list[str]:
        """First lines, without those for a robots.txt."""
        lines = [head.partition("\r\n")[0] for head in self.heads]
        return [line for line in lines if "/robots.txt" not in line]


async def read_head(reader: asyncio.StreamReader) -> str:
    return (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")


@asynccontextmanager
async def listening(serve: Any, **options: Any) -> AsyncIterator[int]:
    """Serve each connection until it ends, or the block does."""
    tasks: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task: Any = asyncio.current_task()
        tasks.add(task)
        try:
            await serve(reader, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            return  # the other end has closed it
        finally:
            tasks.discard(task)
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, **options)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate signed by itself, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "public.example")])
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("public.example")]), False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    pem = serialization.Encoding.PEM
    path.write_bytes(
        key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + signed.public_bytes(pem)
    )
    return path


@pytest.fixture
async def origin(certificate: Path) -> AsyncIterator[Server]:
    """A TLS server that says which host and path it was asked for, and redirects from /to/URL."""
    server = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            head = await read_head(reader)
            server.heads.append(head)
            path = head.split(" ", 2)[1]
            host = head.partition("\r\nHost: ")[2].partition("\r\n")[0]
            answer, body = "200 OK", f"{host}{path}"
            if path == "/robots.txt":
                answer, body = "404 Not Found", ""
            elif path.startswith("/to/"):
                answer, body = f"302 Found\r\nLocation: {path.removeprefix('/to/')}", ""
            writer.write(f"HTTP/1.1 {answer}\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    async with listening(serve, ssl=context) as server.port:
        yield server


@asynccontextmanager
async def proxy_to(
    origin: Server, answer: str = "200 Connection established"
) -> AsyncIterator[Server]:
    """A proxy whose tunnels all lead to `origin`; with another answer none is opened."""
    proxy = Server()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        proxy.heads.append(await read_head(reader))
        writer.write(f"HTTP/1.1 {answer}\r\n\r\n".encode())
        if answer.startswith("200"):
            there = await asyncio.open_connection("127.0.0.1", origin.port)
            await asyncio.gather(carry(reader, there[1]), carry(there[0], writer))

    async with listening(serve) as proxy.port:
        yield proxy


async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
    writer.close()


async def crawl_by(settings: Settings, proxies: list[str], *urls: str) -> list[Ending]:
    """Crawl through these proxies, one request after the other."""
    plan = Plan(
        list(urls),
        services.ensure_redis(settings),
        names=NAMES,
        proxies=",".join(proxies),
        scrapy={"CONCURRENT_REQUESTS": 1},
    )
    return await asyncio.to_thread(crawl, plan)


async def test_https_goes_through_a_tunnel_and_the_login_to_the_proxy_alone(
    settings: Settings, redis: Redis, origin: Server
) -> None:
    async with proxy_to(origin) as proxy:
        login = f"http://me:secret@127.0.0.1:{proxy.port}"
        endings = await crawl_by(settings, [login], "https://public.example/board?a=b")

    assert [ending.body for ending in endings] == ["public.example/board?a=b"]
    assert origin.lines == ["GET /board?a=b HTTP/1.1"]
    assert set(proxy.lines) == {"CONNECT public.example:443 HTTP/1.1"}
    assert all(f"Proxy-Authorization: {LOGIN}" in head for head in proxy.heads)
    assert not any("proxy-" in head.lower() for head in origin.heads)


async def test_redirects_are_followed_outside_and_never_inside_through_tunnels(
    settings: Settings, redis: Redis, origin: Server
) -> None:
    async with proxy_to(origin) as proxy:
        endings = await crawl_by(
            settings,
            [f"http://127.0.0.1:{proxy.port}"],
            "https://public.example/to/https://other.example:8443/there",
            "https://public.example/to/https://127.0.0.1/",
            "https://public.example/to/https://169.254.169.254/latest/meta-data/",
            "https://public.example/to/http://[::1]/",
            "https://public.example/to/https://0x7f.1/",
        )

    assert [ending.body for ending in endings] == ["other.example:8443/there", *[None] * 4]
    assert {ending.failure for ending in endings[1:]} == {"redirect_refused"}
    assert set(proxy.lines) == {
        "CONNECT public.example:443 HTTP/1.1",
        "CONNECT other.example:8443 HTTP/1.1",
    }


@pytest.mark.parametrize(
    "answer", ["407 Proxy Authentication Required", "502 Bad Gateway", "what?"]
)
async def test_a_proxy_that_opens_no_tunnel_rests_and_is_not_held_against_the_host(
    settings: Settings, redis: Redis, origin: Server, answer: str
) -> None:
    urls = [f"https://public.example/{number}" for number in range(4)]
    async with proxy_to(origin, answer) as shut, proxy_to(origin) as works:
        proxies = [f"http://127.0.0.1:{proxy.port}" for proxy in (shut, works)]
        endings = await crawl_by(settings, proxies, *urls)

    # Its one try was for a robots.txt, which is asked for again
    assert [ending.body for ending in endings] == [f"public.example/{n}" for n in range(4)]
    assert len(shut.heads) == 1
    (state,) = await Hosts(redis, Ceilings(0)).states(["public.example"])
    assert (state.failures, state.blocked_seconds) == (0, 0)
