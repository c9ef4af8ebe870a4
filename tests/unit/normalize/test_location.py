import gzip
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.location import parse_places, place_keys, query_keys
from openfunnel.records import Place, Workplace

# fmt: off
FRAGMENTS = [
    "New York", "NY", "US", "Remote", "-", ",", "(", ")", "or",
    "and", "Georgia", "Paris", "EMEA", "/", ";", "Foo", "DE", "LA",
    "12",
]
# fmt: on

NEW_YORK = ("New York", "US")
SAN_FRANCISCO = ("San Francisco", "US")


def cities(text: str, hint: str | None = None) -> list[tuple[str | None, str | None]]:
    return [(place.city, place.country) for place in parse_places(text, hint).places]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("New York, NY", [NEW_YORK]),
        ("New York, New York, United States", [NEW_YORK]),
        ("NYC", [NEW_YORK]),
        ("New York, NY (HQ)", [NEW_YORK]),
        ("SF / NY", [SAN_FRANCISCO, NEW_YORK]),
        ("San Francisco, CA; New York, NY", [SAN_FRANCISCO, NEW_YORK]),
        ("San Francisco, CA, Seattle WA, New York", [SAN_FRANCISCO, ("Seattle", "US"), NEW_YORK]),
        ("Portland, OR or Seattle, WA", [("Portland", "US"), ("Seattle", "US")]),
        ("London, UK", [("London", "GB")]),
        ("UK - London", [("London", "GB")]),
        ("London, ON", [("London", "CA")]),
        ("London, England, United Kingdom", [("London", "GB")]),
        ("Berlin, Germany", [("Berlin", "DE")]),
        ("Berlin, DE", [("Berlin", "DE")]),
        ("Wilmington, DE", [("Wilmington", "US")]),
        ("Bangalore, IN", [("Bengaluru", "IN")]),
        ("Gary, IN", [("Gary", "US")]),
        ("Ontario, CA", [("Ontario", "US")]),
        ("Toronto, CA", [("Toronto", "CA")]),
        ("Toronto, Ontario, Canada", [("Toronto", "CA")]),
        ("München", [("Munich", "DE")]),
        ("Köln", [("Cologne", "DE")]),
        ("Zürich, Schweiz", [("Zurich", "CH")]),
        ("東京", [("Tokyo", "JP")]),
        ("Cape Town & Johannesburg", [("Cape Town", "ZA"), ("Johannesburg", "ZA")]),
        ("Paris", [("Paris", "FR")]),
        ("Paris, TX", [("Paris", "US")]),
        ("Austin TX", [("Austin", "US")]),
        ("Raleigh North Carolina", [("Raleigh", "US")]),
        ("Vancouver, BC", [("Vancouver", "CA")]),
        ("Vancouver, Washington", [("Vancouver", "US")]),
        ("US-Seattle", [("Seattle", "US")]),
        ("Canada-Toronto", [("Toronto", "CA")]),
        ("Barueri, Sao Paulo, Brasil", [("Barueri", "BR")]),
        ("Amsterdam, North Holland, The Netherlands", [("Amsterdam", "NL")]),
        ("Barcelona, Barcelona, Spain", [("Barcelona", "ES")]),
        ("Nowhereville, OH", [("Nowhereville", "US")]),
        ("12 Long Road, Springfield, IL 62701", [("Springfield", "US")]),
        ("Berlin office", [("Berlin", "DE")]),
        ("Washington, D.C.", [("Washington", "US")]),
        ("Singapore", [("Singapore", "SG")]),
        ("Luxembourg", [("Luxembourg", "LU")]),
        ("Trinidad and Tobago", [(None, "TT")]),
        ("Tbilisi, Georgia", [("Tbilisi", "GE")]),
        ("Atlanta, Georgia", [("Atlanta", "US")]),
        ("San José, Costa Rica", [("San José", "CR")]),
        ("Remote, Canada", [(None, "CA")]),
        ("U.S. Remote", [(None, "US")]),
        ("Hamilton, NJ", [("Hamilton", "US")]),
        ("St. George, UT", [("St. George", "US")]),
        ("East Syracuse, New York, United States", [("East Syracuse", "US")]),
        ("West London, UK", [("London", "GB")]),
        ("Smalltown, Ontario, Canada", [("Smalltown", "CA")]),
        ("Smalltown, Oregon", [("Smalltown", "US")]),
        ("Paris, Ontario, Canada", [("Paris", "CA")]),
        ("Warwick, New York, United States", [("Warwick", "US")]),
        ("Seattle, San Francisco, New York, US", [("Seattle", "US"), SAN_FRANCISCO, NEW_YORK]),
        ("Playa Vista, CA", [("Playa Vista", "US")]),
        ("Smalltown, Az", [("Smalltown", "US")]),
        ("234 De Leon Blvd, 3rd FL, Coral Gables, FL 33134", [("Coral Gables", "US")]),
        ("DC, Maryland, Virginia", [("Washington", "US"), (None, "US"), (None, "US")]),
        ("PA, DE, MD, WV", [(None, "US")] * 4),
        ("DE, AT, CH", [(None, "DE"), (None, "AT"), (None, "CH")]),
        ("Hong Kong, China", [("Hong Kong", "HK")]),
        ("Hong Kong; China", [("Hong Kong", "HK"), (None, "CN")]),
        ("APAC - China, Guangzhou", [("Guangzhou", "CN")]),
        ("EMEA - London", [("London", "GB")]),
        ("Remote (EMEA: Germany, Spain)", [(None, "DE"), (None, "ES")]),
        ("Anywhere, USA", [(None, "US")]),
        ("US-Remote", [(None, "US")]),
        ("remote_us", [(None, "US")]),
        ("US Remote - EST", [(None, "US")]),
        ("Tallinn, EST", [("Tallinn", "EE")]),
        ("Lyon ou Paris", [("Lyon", "FR"), ("Paris", "FR")]),
        ("Berlin oder Wien", [("Berlin", "DE"), ("Vienna", "AT")]),
        ("Rio de Janeiro e São Paulo", [("Rio de Janeiro", "BR"), ("São Paulo", "BR")]),
        ("New England", []),
        ("Hybrid", []),
        ("", []),
        ("Various", []),
    ],
)
def test_a_location_string_names_its_cities_and_countries(
    text: str, expected: list[tuple[str | None, str | None]]
) -> None:
    assert cities(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("CAN", [Place(country="CA")]),
        ("Smalltown, Ontario, CAN", [Place(city="Smalltown", region="Ontario", country="CA")]),
        ("Ontario, CAN", [Place(region="Ontario", country="CA")]),
        ("Ontario, Canada", [Place(region="Ontario", country="CA")]),
        ("Ontario CAN", [Place(region="Ontario", country="CA")]),
        ("Ontario - CAN", [Place(region="Ontario", country="CA")]),
        ("British Columbia (CAN)", [Place(region="British Columbia", country="CA")]),
        ("Toronto, ON, CAN", [Place(city="Toronto", region="Ontario", country="CA")]),
        ("CAN-Toronto", [Place(city="Toronto", region="Ontario", country="CA")]),
        ("Smallville, CAN", [Place(city="Smallville", country="CA")]),
        ("Remote - CAN", [Place(country="CA")]),
        ("USA/CAN", [Place(country="US"), Place(country="CA")]),
        ("Georgia, USA", [Place(region="Georgia", country="US")]),
        ("Georgia, GEO", [Place(country="GE")]),
        ("Victoria, AUS", [Place(region="Victoria", country="AU")]),
        ("Punjab, PAK", [Place(city="Punjab", country="PK")]),
        ("London, GBR", [Place(city="London", region="England", country="GB")]),
        ("Munich, DEU", [Place(city="Munich", region="Bavaria", country="DE")]),
        ("Oslo, NOR", [Place(city="Oslo", country="NO")]),
        ("Barcelona, ESP", [Place(city="Barcelona", region="Catalonia", country="ES")]),
        ("BRA", [Place(country="BR")]),
        ("Singapore, SGP", [Place(city="Singapore", country="SG")]),
        ("BLR", [Place(city="Bengaluru", region="Karnataka", country="IN")]),
        ("Minsk, BLR", [Place(city="Minsk", country="BY")]),
    ],
)
def test_a_code_of_three_letters_is_its_country(text: str, expected: list[Place]) -> None:
    assert list(parse_places(text).places) == expected


@pytest.mark.parametrize(
    ("text", "region", "country"),
    [
        ("Remote (EMEA)", "EMEA", None),
        ("Home based - EMEA", "EMEA", None),
        ("Remote - Asia Pacific", "APAC", None),
        ("Latin America", "LATAM", None),
        ("North America", "North America", None),
        ("DACH", "DACH", None),
        ("Remote, Nordics", "Nordics", None),
        ("Anywhere in the World", "Worldwide", None),
        ("Texas, United States", "Texas", "US"),
        ("British Columbia", "British Columbia", "CA"),
        ("Bayern, Deutschland", "Bavaria", "DE"),
        ("Georgia", "Georgia", "US"),
        ("Oregon, USA", "Oregon", "US"),
        ("Washington, USA, Remote", "Washington", "US"),
    ],
)
def test_a_region_or_a_group_of_countries_stands_for_itself(
    text: str, region: str, country: str | None
) -> None:
    assert parse_places(text).places == (Place(region=region, country=country),)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("San Francisco, CA; New York, NY; Remote - US", Workplace.REMOTE),
        ("Remote", Workplace.REMOTE),
        ("Berlin (Hybrid)", Workplace.HYBRID),
        ("In-Office", Workplace.ONSITE),
        ("Lisbon", None),
    ],
)
def test_a_location_string_may_say_how_the_work_is_done(
    text: str, expected: Workplace | None
) -> None:
    assert parse_places(text).workplace is expected


def test_an_ambiguous_city_goes_to_the_hinted_country_else_to_the_most_populous() -> None:
    assert cities("Birmingham") == [("Birmingham", "GB")]
    assert cities("Birmingham", "US") == [("Birmingham", "US")]


def test_an_ambiguous_city_goes_to_the_country_stated_beside_it() -> None:
    assert cities("Cambridge; Boston, MA, USA")[0] == ("Cambridge", "US")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("SF, NYC, US Remote", [SAN_FRANCISCO, NEW_YORK, (None, "US")]),
        ("SF, NYC, US - Remote", [SAN_FRANCISCO, NEW_YORK, (None, "US")]),
        ("Chicago, US-Remote", [("Chicago", "US"), (None, "US")]),
        ("Toronto, Remote- Canada", [("Toronto", "CA"), (None, "CA")]),
        ("Seattle, WA, Remote in the US", [("Seattle", "US"), (None, "US")]),
        ("Paris, France, Remote Europe", [("Paris", "FR"), (None, None)]),
        ("Berlin, Germany Remote", [("Berlin", "DE")]),
        ("Berlin, Germany - Remote", [("Berlin", "DE")]),
        ("Austin, TX, USA Remote", [("Austin", "US")]),
        ("Remote, Germany", [(None, "DE")]),
        ("NYC-Flagship", [NEW_YORK]),
    ],
)
def test_a_country_for_remote_work_stands_beside_the_cities(
    text: str, expected: list[tuple[str | None, str | None]]
) -> None:
    assert cities(text) == expected


def test_a_region_is_left_out_where_its_city_is_named_too() -> None:
    assert cities("US-San Francisco, US-California") == [SAN_FRANCISCO]


def test_control_characters_never_reach_a_place() -> None:
    (place,) = parse_places("Nowhere\x00ville\ud800, OH").places
    assert place.city == "Nowhere ville"


@pytest.mark.parametrize("query", ["NYC", "nyc", "New York", "new york, ny", "US", "usa", "NY"])
def test_a_query_by_any_usual_name_finds_new_york(query: str) -> None:
    (place,) = parse_places("New York, NY").places
    assert set(query_keys(query) or ()) & set(place_keys(place))


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("New York", {"city:US/new york", "region:US/ny"}),
        ("SF", {"city:US/san francisco"}),
        ("United States", {"country:US"}),
        ("uk", {"country:GB"}),
        ("Germany", {"country:DE"}),
        ("EMEA", {"group:EMEA"}),
        ("remote", {"remote"}),
        ("Portland, ME", {"city:US/me/portland"}),
        ("California", {"region:US/ca"}),
    ],
)
def test_a_query_gives_the_keys_of_all_it_may_mean(query: str, expected: set[str]) -> None:
    assert set(query_keys(query) or ()) == expected


def test_a_query_of_no_known_place_has_no_keys() -> None:
    assert query_keys("Xyzzyville") is None


def test_a_place_is_found_by_its_region_its_country_and_its_groups() -> None:
    keys = place_keys(Place(city="NYC", country="US"), Workplace.REMOTE)
    assert {
        "city:US/new york",
        "city:US/ny/new york",
        "region:US/ny",
        "country:US",
        "group:North America",
        "remote",
    } <= set(keys)


def test_remote_work_without_a_place_has_the_key_remote() -> None:
    assert place_keys(None, Workplace.REMOTE) == ("remote",)


def test_one_town_is_not_found_by_the_query_for_its_namesake() -> None:
    (maine,) = parse_places("Portland, ME").places
    assert not set(query_keys("Portland, OR") or ()) & set(place_keys(maine))


@given(st.text(max_size=200), st.sampled_from([None, "US", "DE", "??"]))
def test_no_text_breaks_the_parser(text: str, hint: str | None) -> None:
    for place in parse_places(text, hint).places:
        assert all("\x00" not in key for key in place_keys(place))
    query_keys(text)


@given(
    st.lists(
        st.sampled_from(FRAGMENTS),
        max_size=14,
    ).map(" ".join)
)
def test_no_arrangement_of_place_names_breaks_the_parser(text: str) -> None:
    for place in parse_places(text).places:
        assert place.city or place.region or place.country


@pytest.mark.parametrize("unit", ["New York, ", "US-", "(((", "a-b-", "in the ", "NY NY ", "\n"])
def test_two_megabytes_of_anything_are_read_in_part(unit: str) -> None:
    assert len(parse_places(unit * (2_000_000 // len(unit))).places) <= 100


def test_most_locations_of_real_boards_are_resolved(shared: Path) -> None:
    resolved = total = 0
    for path in (shared / "corpus" / "listings" / "greenhouse").glob("*.json.gz"):
        for job in json.loads(gzip.decompress(path.read_bytes()))["jobs"]:
            parsed = parse_places((job.get("location") or {}).get("name") or "")
            total += 1
            resolved += bool(parsed.places) or parsed.workplace is Workplace.REMOTE
    assert total > 1_000
    assert resolved / total >= 0.95
