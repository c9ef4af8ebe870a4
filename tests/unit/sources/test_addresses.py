"""Start entries: every form of an address, and what is refused."""

import csv
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.errors import AddressRefused
from openfunnel.records import BoardRef
from openfunnel.settings import Settings
from openfunnel.sources import SOURCES
from openfunnel.sources.addresses import Address, canonical_url, locate, request_url

PLAIN = Settings.load(environ={})
SANDBOX = Settings.load(
    environ={
        "OPENFUNNEL_GREENHOUSE_URL": "http://127.0.0.1:9000/greenhouse/v1/boards",
        "OPENFUNNEL_LEVER_EU_URL": "http://127.0.0.1:9000/lever_eu/v0/postings",
    }
)
UUID = "0c5d1f6e-3b7a-4c1e-9a44-5f2b6e0d7a01"


def greenhouse(token: str, posting_id: str | None = None) -> Address:
    return Address(BoardRef(ats="greenhouse", token=token), posting_id)


def lever(token: str, posting_id: str | None = None, region: str = "") -> Address:
    return Address(BoardRef(ats="lever", token=token, region=region), posting_id)


def ashby(token: str) -> Address:
    return Address(BoardRef(ats="ashby", token=token))


@pytest.mark.parametrize(
    "entry",
    [
        "https://boards.greenhouse.io/acme",
        "http://boards.greenhouse.io/acme/",
        "boards.greenhouse.io/acme",
        "https://boards.greenhouse.io/Acme?gh_src=abc&utm_source=x",
        "https://boards.greenhouse.io/acme#jobs",
        "https://job-boards.greenhouse.io/acme",
        "https://job-boards.greenhouse.io/acme/jobs",
        "https://job-boards.eu.greenhouse.io/acme",
        "https://boards.eu.greenhouse.io/acme",
        "https://boards.greenhouse.io/embed/job_board?for=acme",
        "https://boards.greenhouse.io/embed/job_board/js?for=acme",
        "https://boards.greenhouse.io/embed/job_app?for=acme",
        "https://boards-api.greenhouse.io/v1/boards/acme",
        "https://boards-api.greenhouse.io/v1/boards/acme/jobs?content=true",
        "greenhouse:acme",
        "  https://boards.greenhouse.io/acme\n",
    ],
)
def test_greenhouse_boards(entry: str) -> None:
    assert locate(entry, PLAIN) == greenhouse("acme")


@pytest.mark.parametrize(
    "entry",
    [
        "https://boards.greenhouse.io/acme/jobs/123?gh_src=abc",
        "https://job-boards.greenhouse.io/acme/jobs/123",
        "https://job-boards.eu.greenhouse.io/acme/jobs/123",
        "https://boards.greenhouse.io/acme?gh_jid=123",
        "https://boards.greenhouse.io/embed/job_app?for=acme&token=123",
        "https://boards.greenhouse.io/embed/job_app?token=123&b=https%3A%2F%2Fx.example&for=acme",
        "https://boards.greenhouse.io/embed/job_board?for=acme&gh_jid=123",
        "https://boards-api.greenhouse.io/v1/boards/acme/jobs/123?questions=true",
    ],
)
def test_greenhouse_postings(entry: str) -> None:
    assert locate(entry, PLAIN) == greenhouse("acme", "123")


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("https://jobs.lever.co/Acme", lever("Acme")),
        ("https://jobs.lever.co/1840&Company?lever-source=x", lever("1840&Company")),
        ("https://jobs.lever.co/1840%26Company", lever("1840&Company")),
        (f"https://jobs.lever.co/acme.io/{UUID}", lever("acme.io", UUID)),
        (f"https://jobs.lever.co/acme/{UUID.upper()}/apply", lever("acme", UUID)),
        (f"https://jobs.eu.lever.co/acme/{UUID}", lever("acme", UUID, "eu")),
        ("https://api.lever.co/v0/postings/acme?mode=json", lever("acme")),
        (f"https://api.lever.co/v0/postings/acme/{UUID}", lever("acme", UUID)),
        ("https://api.eu.lever.co/v0/postings/acme", lever("acme", None, "eu")),
        ("lever:acme", lever("acme")),
        ("lever:eu:acme", lever("acme", None, "eu")),
    ],
)
def test_lever_addresses(entry: str, address: Address) -> None:
    assert locate(entry, PLAIN) == address


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("https://jobs.ashbyhq.com/Acme", ashby("Acme")),
        ("https://jobs.ashbyhq.com/acme/embed?version=2", ashby("acme")),
        ("https://jobs.ashbyhq.com/Acme%20Labs", ashby("Acme Labs")),
        ("https://api.ashbyhq.com/posting-api/job-board/acme.io?x=1", ashby("acme.io")),
        ("ashby:acme", ashby("acme")),
        ("ashby:Acme Labs", ashby("Acme Labs")),
    ],
)
def test_ashby_boards(entry: str, address: Address) -> None:
    assert locate(entry, PLAIN) == address


@pytest.mark.parametrize(
    "entry",
    [
        f"https://jobs.ashbyhq.com/acme/{UUID}",
        f"https://jobs.ashbyhq.com/acme/{UUID.upper()}/application?utm_source=x",
        f"https://jobs.ashbyhq.com/acme/embed?ashby_jid={UUID}",
        f"https://acme.example/careers?ashby_jid={UUID}",
    ],
)
def test_an_address_of_a_posting_is_its_boards_where_no_posting_is_answered_for(entry: str) -> None:
    assert locate(entry, PLAIN, token="acme") == ashby("acme")


@pytest.mark.parametrize(
    ("entry", "address"),
    [
        ("http://127.0.0.1:9000/greenhouse/v1/boards/acme/jobs", greenhouse("acme")),
        ("http://127.0.0.1:9000/greenhouse/v1/boards/acme/jobs/7", greenhouse("acme", "7")),
        ("http://127.0.0.1:9000/lever_eu/v0/postings/acme", lever("acme", None, "eu")),
        ("https://boards-api.greenhouse.io/v1/boards/acme", greenhouse("acme")),
    ],
)
def test_addresses_below_a_base_that_is_set(entry: str, address: Address) -> None:
    assert locate(entry, SANDBOX) == address


def test_a_bare_token_is_of_the_source_whose_list_it_is_on() -> None:
    assert locate("Acme", PLAIN, "lever") == lever("Acme")
    assert locate("Acme", PLAIN, "greenhouse") == greenhouse("acme")
    assert locate("about.acme.com", PLAIN, "greenhouse") == greenhouse("about.acme.com")


def test_a_posting_on_the_employers_own_domain_needs_the_boards_token() -> None:
    entry = "https://acme.example/careers/?gh_jid=123&gh_src=x"

    assert locate(entry, PLAIN, token="Acme") == greenhouse("acme", "123")
    with pytest.raises(AddressRefused, match="posting 123 of greenhouse, but not the board"):
        locate(entry, PLAIN, "greenhouse")


@pytest.mark.parametrize(
    ("entry", "reason"),
    [
        ("", "empty"),
        ("   ", "empty"),
        ("acme", "no source is named"),
        ("https://acme.example/careers", "acme.example is no host of a known source"),
        ("https://evil.example/boards.greenhouse.io/acme", "no host of a known source"),
        ("https://boards.greenhouse.io.evil.example/acme", "no host of a known source"),
        ("https://boards.greenhouse.io/", "no address of a board or posting of greenhouse"),
        (
            "https://boards.greenhouse.io/acme/jobs/abc",
            "no address of a board or posting of greenhouse",
        ),
        (
            "https://boards.greenhouse.io/embed/job_app?token=123",
            "no address of a board or posting of greenhouse",
        ),
        ("https://boards.greenhouse.io/embed", "no address of a board or posting of greenhouse"),
        ("https://boards.greenhouse.io/../acme", "no address of a board or posting of greenhouse"),
        ("https://boards.greenhouse.io/%2e%2e", "no address of a board or posting of greenhouse"),
        ("https://jobs.lever.co/a%2Fb", "no address of a board or posting of lever"),
        (f"https://jobs.lever.co/{'a' * 101}", "no address of a board or posting of lever"),
        ("https://jobs.lever.co/acme/not-a-uuid", "no address of a board or posting of lever"),
        ("https://hire.lever.co/acme", "no host of a known source"),
        ("https://jobs.ashbyhq.com/", "no address of a board or posting of ashby"),
        ("https://jobs.ashbyhq.com/acme/not-a-uuid", "no address of a board or posting of ashby"),
        (f"https://jobs.ashbyhq.com/{'a%20' * 50}b", "no address of a board or posting of ashby"),
        ("https://jobs.lever.co:8443/acme", "port"),
        ("https://me:secret@jobs.lever.co/acme", "login"),
        ("https://jobs.lever.co\\@evil.example/acme", "backslashes"),
        ("http://127.0.0.1:9000/greenhouse/v1/boards/acme", "port"),
        ("ftp://jobs.lever.co/acme", "neither http nor https"),
        ("file:///etc/passwd", "neither http nor https"),
        ("https://jobs.lever.co/ac\x00me", "control characters"),
        ("https://jobs.lever.co/\ud800", "control characters"),
        ("https://jobs.lever.co/" + "a" * 3000, "longer"),
        ("workday:acme", "there is no source workday"),
        ("greenhouse:eu:acme", "there is no source greenhouse:eu"),
        ("greenhouse:a b", "no token of a board of greenhouse"),
        ("lever:a b", "no token of a board of lever"),
    ],
)
def test_anything_else_is_refused_with_its_reason(entry: str, reason: str) -> None:
    with pytest.raises(AddressRefused) as refusal:
        locate(entry, PLAIN)

    assert reason in str(refusal.value)


@pytest.mark.parametrize(
    "token",
    ["..", ".", "a/b", "a  b", "-acme", "a\n\nb", "acme\x00", "а", "a" * 101, "a" + " b" * 60],
)
def test_what_no_board_can_be_called_is_refused(token: str) -> None:
    for ats in SOURCES:
        with pytest.raises(AddressRefused):
            locate(token, PLAIN, ats)


def test_a_refusal_repeats_no_password() -> None:
    with pytest.raises(AddressRefused) as refusal:
        locate("https://me:s3cret@p@jobs.lever.co/acme", PLAIN)

    assert "s3cret" not in str(refusal.value)


HOSTS = ["https://", "jobs.lever.co", "boards.greenhouse.io", "embed/job_app", "lever", "acme"]
MARKS = [
    "/",
    "?",
    "for=",
    "gh_jid=",
    "&",
    "%",
    "[",
    "]",
    "@",
    ":",
    "#",
    "..",
    "\x00",
    "\ud800",
    "１",
]
FRAGMENTS = st.sampled_from([*HOSTS, *MARKS, "9" * 30])


@given(
    st.text(st.characters(exclude_categories=())) | st.lists(FRAGMENTS).map("".join),
    st.sampled_from([None, *SOURCES]),
    st.none() | st.text(),
)
def test_no_text_makes_it_raise_anything_else(
    entry: str, ats: str | None, token: str | None
) -> None:
    with suppress(AddressRefused):
        address = locate(entry, SANDBOX, ats, token)
        assert request_url(address, SANDBOX).isascii()


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (
            greenhouse("acme"),
            "http://127.0.0.1:9000/greenhouse/v1/boards/acme/jobs?content=true&pay_transparency=true",
        ),
        (
            greenhouse("acme", "7"),
            "http://127.0.0.1:9000/greenhouse/v1/boards/acme/jobs/7?pay_transparency=true",
        ),
        (
            ashby("Acme Labs"),
            "https://api.ashbyhq.com/posting-api/job-board/Acme%20Labs?includeCompensation=true",
        ),
        (lever("1840&Company"), "https://api.lever.co/v0/postings/1840&Company?mode=json"),
        (
            lever("acme", UUID, "eu"),
            f"http://127.0.0.1:9000/lever_eu/v0/postings/acme/{UUID}?mode=json",
        ),
    ],
)
def test_the_request_goes_to_the_base_that_is_set(address: Address, url: str) -> None:
    assert request_url(address, SANDBOX) == url
    assert locate(url, SANDBOX) == address


@pytest.mark.parametrize(
    ("address", "url"),
    [
        (greenhouse("acme", "7"), "https://job-boards.greenhouse.io/acme/jobs/7"),
        (lever("acme", UUID), f"https://jobs.lever.co/acme/{UUID}"),
        (lever("acme", UUID, "eu"), f"https://jobs.eu.lever.co/acme/{UUID}"),
    ],
)
def test_a_canonical_url_names_its_posting(address: Address, url: str) -> None:
    assert address.posting_id is not None
    assert canonical_url(address.board, address.posting_id) == url
    assert locate(url, PLAIN) == address


def test_a_canonical_url_of_an_ashby_posting_names_its_board() -> None:
    url = canonical_url(ashby("Acme Labs").board, UUID)

    assert url == f"https://jobs.ashbyhq.com/Acme%20Labs/{UUID}"
    assert locate(url, PLAIN) == ashby("Acme Labs")


@pytest.mark.parametrize("ats", SOURCES)
def test_every_known_board_is_located_by_token_and_by_address(shared: Path, ats: str) -> None:
    with (shared / f"boards/{ats}.csv").open(encoding="utf-8", newline="") as rows:
        for row in csv.DictReader(rows):
            address = Address(BoardRef(ats=ats, token=row["token"]))
            assert locate(row["token"], PLAIN, ats) == address
            by_url = locate(row["url"], PLAIN)
            # The list has the tokens of Ashby's boards in lower case throughout, its URLs have not.
            assert str(by_url).lower() == str(address) if ats == "ashby" else by_url == address
