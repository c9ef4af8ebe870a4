"""The search over postings, its pages, and single postings."""

from typing import Any

import httpx
import pytest

from .world import World, payload_of

STAFF, ANALYST, HOURLY = "Staff Data Engineer", "Data Analyst", "Hourly Analyst"
SELLER, FRESH, GONE = "Remote Seller", "Fresh Opening", "Gone Opening"
OPEN = [STAFF, ANALYST, HOURLY, SELLER, FRESH]


async def _search(client: httpx.AsyncClient, query: str) -> dict[str, Any]:
    answer = await client.get(f"/job_postings?{query}")
    assert answer.status_code == 200, answer.text
    page: dict[str, Any] = answer.json()
    return page


async def _titles(client: httpx.AsyncClient, query: str) -> list[str]:
    return [item["title"] for item in (await _search(client, query))["items"]]


@pytest.mark.parametrize(
    ("query", "titles"),
    [
        ("", OPEN),
        ("status=extracted", [STAFF, ANALYST, HOURLY, SELLER]),
        ("status=fetched", [FRESH]),
        ("status=fetched&status=extracted", OPEN),
        ("status=failed", []),
        ("closed=true", [GONE]),
        ("q=looms+python", [STAFF, ANALYST, HOURLY, SELLER]),
        ("q=looms+gardening", []),
        ("q=%22data+engineer%22", [STAFF]),
        ("q=engineer+or+seller", [STAFF, SELLER]),
        ("q=analyst+-hourly", [ANALYST]),
        ("q=%26%7C!()%3A*%27%22", []),
        ("company_name=Miller", [SELLER, FRESH]),
        ("company_name=weaver+%26+SONS", [STAFF, ANALYST, HOURLY]),
        ("company_name=Miller&company_name=w%C3%A9aver+%26+sons", OPEN),
        ("company_name=Mill", []),
        ("location=NYC", [STAFF, HOURLY]),
        ("location=New+York", [STAFF, HOURLY]),
        ("location=Germany", [ANALYST]),
        ("location=remote", [SELLER]),
        ("location=Berlin&location=remote", [ANALYST, SELLER]),
        ("location=Atlantis", []),
        ("location=Atlantis&location=Berlin", [ANALYST]),
        ("min_comp=200000", [STAFF]),
        ("min_comp=250000", [STAFF]),
        ("min_comp=250001", []),
        ("min_comp=104000", [STAFF, HOURLY]),
        ("min_comp=60000&comp_currency=EUR", [STAFF, ANALYST, HOURLY]),
        ("min_comp=250000&include_unknown_comp=true", [STAFF, SELLER, FRESH]),
        ("seniority=staff", [STAFF]),
        ("seniority=staff&seniority=junior", [STAFF, HOURLY]),
        ("role_function=data", [STAFF, ANALYST, HOURLY, SELLER]),
        ("role_function=legal", []),
        ("employment_type=full_time", [STAFF, ANALYST, HOURLY, SELLER]),
        ("workplace=remote&workplace=hybrid", [STAFF, SELLER]),
        ("ats=greenhouse", OPEN),
        ("ats=lever", []),
        ("skill=python", [STAFF, HOURLY]),
        ("skill=Python&skill=POSTGRESQL", [STAFF]),
        ("skill=postgres", [STAFF, ANALYST]),
        ("skill=underwater+weaving", []),
        ("posted_after=2025-02-28", [STAFF, HOURLY]),
        ("posted_after=2025-02-28T12:00:00Z", [STAFF, HOURLY]),
        ("posted_after=2025-02-28T12:00:01", [HOURLY]),
        ("first_seen_after=2025-03-01T12:00:00Z", OPEN),
        ("first_seen_after=2025-03-02", []),
        ("sort=-comp", [STAFF, HOURLY, ANALYST]),
        ("status=extracted&location=NYC&min_comp=200000&seniority=staff", [STAFF]),
    ],
)
async def test_filters_find_what_they_say(
    client: httpx.AsyncClient, world: World, query: str, titles: list[str]
) -> None:
    page = await _search(client, query)
    found = [item["title"] for item in page["items"]]
    if query.startswith("sort=-comp"):
        assert found[: len(titles)] == titles
    else:
        assert sorted(found) == sorted(titles)
    assert page["total"] == len(found)
    assert page["total_is_estimate"] is False
    assert page["next_cursor"] is None


@pytest.mark.parametrize("sort", ["-posted_at", "-first_seen_at", "-comp"])
async def test_pages_bring_every_posting_once(
    client: httpx.AsyncClient, world: World, sort: str
) -> None:
    whole = await _titles(client, f"sort={sort}")
    paged, cursor = [], ""
    while cursor is not None:
        page = await _search(client, f"sort={sort}&limit=2{cursor and '&cursor=' + cursor}")
        assert page["total"] == len(OPEN)
        paged += [item["title"] for item in page["items"]]
        cursor = page["next_cursor"]
    assert paged == whole
    assert sorted(paged) == sorted(OPEN)


async def test_the_newest_posting_comes_first_and_the_first_sighting_stands_in(
    client: httpx.AsyncClient, world: World
) -> None:
    assert await _titles(client, "") == [HOURLY, STAFF, ANALYST, SELLER, FRESH]


@pytest.mark.parametrize("change", ["&skill=python", "&sort=-comp", "&closed=true"])
async def test_a_cursor_belongs_to_its_search(
    client: httpx.AsyncClient, world: World, change: str
) -> None:
    cursor = (await _search(client, "limit=1"))["next_cursor"]
    answer = await client.get(f"/job_postings?limit=1&cursor={cursor}{change}")
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["cursor"]


async def test_a_page_of_another_length_may_follow(client: httpx.AsyncClient, world: World) -> None:
    cursor = (await _search(client, "limit=1"))["next_cursor"]
    assert await _titles(client, f"limit=200&cursor={cursor}") == [STAFF, ANALYST, SELLER, FRESH]


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("colour=red", "colour"),
        ("q=", "q"),
        ("q=a%00b", "q"),
        ("q=a&q=b", "q"),
        ("status=done", "status"),
        ("seniority=staff&seniority=boss", "seniority"),
        ("role_function=", "role_function"),
        ("ats=monster", "ats"),
        ("company_name=%00", "company_name"),
        ("location=%20", "location"),
        ("min_comp=lots", "min_comp"),
        ("min_comp=-1", "min_comp"),
        ("min_comp=1e999", "min_comp"),
        ("min_comp=1&comp_currency=dollars", "comp_currency"),
        ("min_comp=1&comp_currency=XXX", "comp_currency"),
        ("include_unknown_comp=perhaps", "include_unknown_comp"),
        ("posted_after=yesterday", "posted_after"),
        ("first_seen_after=1700000000", "first_seen_after"),
        ("closed=perhaps", "closed"),
        ("sort=title", "sort"),
        ("limit=0", "limit"),
        ("limit=201", "limit"),
        ("limit=99999999999999999999", "limit"),
        ("limit=1&limit=2", "limit"),
        ("cursor=nonsense", "cursor"),
        ("cursor=", "cursor"),
    ],
)
async def test_a_bad_value_is_named(client: httpx.AsyncClient, query: str, field: str) -> None:
    answer = await client.get(f"/job_postings?{query}")
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert set(problem) == {"type", "title", "status", "detail", "errors"}
    assert {error["field"] for error in problem["errors"]} == {field}
    assert field in problem["detail"]


async def test_a_listed_posting_shows_what_matters(client: httpx.AsyncClient, world: World) -> None:
    (item,) = (await _search(client, "seniority=staff"))["items"]
    assert item["id"] == world.postings[STAFF]
    assert item["company_name"] == "Wéaver & Sons"
    assert (item["ats"], item["board_token"]) == ("greenhouse", "weaver")
    assert item["canonical_url"] == "https://job-boards.greenhouse.io/weaver/jobs/1"
    assert item["posted_at"] == "2025-02-28T12:00:00Z"
    assert item["locations"] == [{"city": "New York", "region": "New York", "country": "US"}]
    assert item["compensation"]["min"] == 200_000
    assert item["compensation"]["max_usd_year"] == 250_000
    assert "text" not in item


async def test_hourly_pay_is_stated_and_compared_by_the_year(
    client: httpx.AsyncClient, world: World
) -> None:
    (item,) = (await _search(client, "seniority=junior"))["items"]
    assert item["compensation"]["period"] == "hour"
    assert item["compensation"]["max"] == 50
    assert item["compensation"]["max_usd_year"] == 50 * 2080


async def test_one_posting_comes_whole(client: httpx.AsyncClient, world: World) -> None:
    posting = (await client.get(f"/job_postings/{world.postings[STAFF]}")).json()
    assert posting["text"].startswith("We build looms")
    assert posting["stated"]["locations"] == ["New York, NY"]
    extraction = (await client.get(f"/extractions/{world.postings[STAFF]}")).json()
    assert posting["extraction"] == extraction


async def test_a_posting_that_waits_has_no_extraction_yet(
    client: httpx.AsyncClient, world: World
) -> None:
    fresh = world.postings[FRESH]
    assert (await client.get(f"/job_postings/{fresh}")).json()["extraction"] is None
    assert (await client.get(f"/job_postings/{fresh}/skills")).json() == {"items": []}
    assert (await client.get(f"/extractions/{fresh}")).status_code == 404


async def test_every_field_of_an_extraction_says_who_said_so(
    client: httpx.AsyncClient, world: World
) -> None:
    extraction = (await client.get(f"/extractions/{world.postings[STAFF]}")).json()
    assert (extraction["extractor"], extraction["model"]) == ("rules", None)
    assert extraction["prompt_version"] == "rules-1"
    fields = extraction["fields"]
    assert fields["seniority"] == {
        "value": "staff",
        "source": "rules",
        "evidence": {"text": "Staff", "start": None, "end": None},
    }
    assert fields["technologies"][0] == {
        "value": {
            "name": "Python",
            "slug": "python",
            "category": "language",
            "stance": "required",
        },
        "source": "rules",
        "evidence": {"text": "You know Python and PostgreSQL", "start": 30, "end": 60},
    }
    flat = [
        one for value in fields.values() for one in (value if isinstance(value, list) else [value])
    ]
    assert all(set(one) == {"value", "source", "evidence"} for one in flat)


async def test_skills_come_with_stance_and_evidence(
    client: httpx.AsyncClient, world: World
) -> None:
    items = (await client.get(f"/job_postings/{world.postings[STAFF]}/skills")).json()["items"]
    assert [item["skill"] for item in items] == ["PostgreSQL", "Python"]
    assert items[1] == {
        "skill": "Python",
        "slug": "python",
        "category": "language",
        "stance": "required",
        "evidence": {"text": "You know Python and PostgreSQL", "start": 30, "end": 60},
        "source": "rules",
    }


async def test_a_posting_gives_back_its_own_part_of_the_answer(
    client: httpx.AsyncClient, world: World
) -> None:
    answer = await client.get(f"/job_postings/{world.postings[STAFF]}/raw")
    assert answer.json() == payload_of(1, STAFF)


@pytest.mark.parametrize(
    "path",
    ["/job_postings/{}", "/job_postings/{}/skills", "/job_postings/{}/raw", "/extractions/{}",
     "/raw_responses/{}", "/runs/{}"],
)  # fmt: skip
@pytest.mark.parametrize(
    ("key", "status"),
    [("999999", 404), (str(2**63 - 1), 404), (str(2**63), 422), ("9" * 5000, 422), ("0", 422),
     ("-1", 422), ("one", 422), ("%00", 422), ("1?verbose=1", 422)],
)  # fmt: skip
async def test_ids_that_lead_nowhere(
    client: httpx.AsyncClient, path: str, key: str, status: int
) -> None:
    answer = await client.get(
        path.format(key) if "?" not in key else path.format("1") + "?verbose=1"
    )
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
