"""URL forms, links and hashes; the forms of each source are tested with their addresses."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.url import (
    URL_CHARS,
    UrlError,
    UrlForm,
    UrlForms,
    UrlMatch,
    clean_link,
    split_url,
    url_hash,
)

FORMS = UrlForms(
    public=(
        UrlForm(("jobs.example",), "/embed", {"board": "token"}),
        UrlForm(("jobs.example",), "/{token}"),
        UrlForm(("jobs.example", "eu.jobs.example"), "/{token}/{posting_id}", region="eu"),
    ),
    api_paths=("/{token}", "/{token}/jobs/{posting_id}"),
    canonical={"": "https://jobs.example/{token}/{posting_id}"},
    board_pattern=r"[A-Za-z&][A-Za-z.&]*",
    posting_pattern="[0-9a-fA-F]+",
    posting_parameter="job",
    token_has_case=False,
)


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("https://jobs.example/acme", UrlMatch("", "acme", None)),
        ("http://JOBS.example/Acme/", UrlMatch("", "acme", None)),
        ("https://jobs.example/acme?job=1F&utm_source=x#top", UrlMatch("", "acme", "1f")),
        ("https://jobs.example/a%26b", UrlMatch("", "a&b", None)),
        ("https://jobs.example/embed?x=1&board=acme&board=b", UrlMatch("", "acme", None)),
        ("https://eu.jobs.example/acme/7", UrlMatch("eu", "acme", "7")),
        ("https://jobs.example/acme/seven", None),
        ("https://jobs.example/a%2Fb", None),
        ("https://jobs.example/%FF", None),
        ("https://jobs.example/..", None),
        ("https://jobs.example/acme/7/apply", None),
        ("https://jobs.example/", None),
        ("https://jobs.example.evil/acme", None),
        ("https://evil/jobs.example/acme", None),
    ],
)
def test_a_public_address_names_board_and_posting(url: str, match: UrlMatch | None) -> None:
    assert FORMS.match(split_url(url)) == match


@pytest.mark.parametrize(
    ("url", "match"),
    [
        ("http://localhost:9000/ats/v1/acme", UrlMatch("", "acme", None)),
        ("http://localhost:9000/ats/v1/acme/jobs/7?full=1", UrlMatch("", "acme", "7")),
        ("http://localhost:9000/ats/v1/acme/jobs/seven", None),
        ("http://localhost:9000/ats/v2/acme", None),
        ("http://localhost:9000/ats/v1", None),
        ("http://localhost:9001/ats/v1/acme", None),
        ("https://localhost:9000/ats/v1/acme", None),
    ],
)
def test_an_address_below_the_base_of_the_api_is_known(url: str, match: UrlMatch | None) -> None:
    base = split_url("http://localhost:9000/ats/v1")

    assert FORMS.match_api(split_url(url), base, region="") == match


def test_a_canonical_url_is_built_and_quoted() -> None:
    assert FORMS.canonical_url("", "a&b c", "7") == "https://jobs.example/a&b%20c/7"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "ftp://a.example/",
        "javascript:alert(1)",
        "https://",
        "https:///path",
        "https://a.example:port/",
        "https://[::1/",
        "https://a.example/a b",
        "https://a.example/\x00",
        "https://a.example/\nb",
        "https://a.example\\@b.example/",
        "https://a.example/\ud800",
        "https://a.example/" + "x" * URL_CHARS,
    ],
)
def test_what_is_no_web_address_is_refused(text: str) -> None:
    with pytest.raises(UrlError):
        split_url(text)
    assert clean_link(text) is None


@pytest.mark.parametrize(
    ("link", "cleaned"),
    [
        ("https://a.example/j?gh_jid=1&gh_src=x&utm_source=y", "https://a.example/j?gh_jid=1"),
        ("https://a.example/j?lever-source%5B%5D=x", "https://a.example/j"),
        (" https://a.example/j?q=a%20b&empty= ", "https://a.example/j?q=a%20b&empty="),
        ("https://a.example/j#top", "https://a.example/j#top"),
        (None, None),
    ],
)
def test_a_link_loses_its_tracking_and_nothing_else(link: str | None, cleaned: str | None) -> None:
    assert clean_link(link) == cleaned


def test_the_hash_is_sha_256_in_hexadecimal() -> None:
    assert url_hash("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


@given(st.text(max_size=200) | st.text(max_size=100).map("https://a.example/{}".format))
def test_any_link_is_cleaned_to_one_that_stays_as_it_is_or_to_none(link: str) -> None:
    cleaned = clean_link(link)

    assert cleaned is None or clean_link(cleaned) == cleaned
