"""Parts of a location string put together where they agree: `Paris` and `TX`, `UK` and `London`."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from openfunnel.normalize.gazetteer import City, Region, gazetteer
from openfunnel.normalize.place_parts import Boundary, Reading

LARGE_CITY = 500_000
CODES_READ_ALONE = frozenset({"US", "CA"})
"""Countries whose region codes are written without their country."""


@dataclass(slots=True)
class Draft:
    """A place under construction: what its parts so far may mean, and what is settled."""

    reading: Reading = field(default_factory=Reading)
    region: Region | None = None
    country: str | None = None
    city_name: str | None = None
    """A city that the gazetteer lacks, in a region or country that was named."""
    remote: bool = False

    @property
    def is_narrower(self) -> bool:
        """Whether it is a place in its country."""
        return bool(self.reading.cities or self.region or self.city_name)


def drafts_of(parts: Sequence[tuple[Boundary, bool, Reading]]) -> list[Draft]:
    """Put parts that belong together into one draft each."""
    drafts: list[Draft] = []
    for index, (boundary, remote, read) in enumerate(parts):
        following = parts[index + 1] if index + 1 < len(parts) else None
        reading = read
        if following and boundary is Boundary.COMMA and _may_be_a_town(parts[index - 1][2], read):
            reading = _as_region(read, following[2])
        starts_another = (
            not reading.is_known
            and bool(reading.name)
            and following is not None
            and following[0] is Boundary.COMMA
            and following[2].is_code
        )
        current = drafts[-1] if drafts else None
        if (
            current is None
            or boundary is Boundary.NEW
            or starts_another
            or _is_remote_scope(parts, index)
            or not _absorbs(current, reading, boundary, len(parts))
        ):
            current = Draft(reading=reading)
            _settle_country(current, reading)
            drafts.append(current)
        current.remote = current.remote or remote
    return drafts


def _is_remote_scope(parts: Sequence[tuple[Boundary, bool, Reading]], index: int) -> bool:
    """Whether a country after a list of cities says where to work remotely: `SF, NYC, US Remote`.

    After a single city, it is that city's.
    """
    boundary, remote, reading = parts[index]
    if index < 2 or boundary is not Boundary.COMMA or not reading.country or reading.cities:
        return False
    if index + 1 < len(parts):
        after, says_remote, following = parts[index + 1]
        remote = remote or (says_remote and after is Boundary.DASH and following.is_empty)
    last, other = parts[index - 1][2].cities, parts[index - 2][2].cities
    return remote and bool(last) and bool(other) and last[0].name != other[0].name


def _may_be_a_town(before: Reading, region: Reading) -> bool:
    """Whether `before` lies in `region`, rather than being the city before it in a list."""
    if before.cities:
        return any(
            not cities or cities[0].weight < LARGE_CITY for cities in (before.cities, region.cities)
        )
    return bool(before.name) and not before.is_known


def _as_region(reading: Reading, following: Reading) -> Reading:
    """`Ontario` before `CAN`, after the name of a town, is the province and no city."""
    regions = tuple(region for region in reading.regions if region.country == following.country)
    return replace(reading, cities=(), regions=regions) if regions and reading.cities else reading


def _settle_country(draft: Draft, reading: Reading) -> None:
    """A part that can only be a country is one at once, and context for the others."""
    if reading.country and not reading.cities and not reading.regions:
        draft.country = reading.country


def _absorbs(draft: Draft, part: Reading, boundary: Boundary, part_count: int) -> bool:
    """Add `part` to `draft` where they agree; return whether it did."""
    if part.is_empty:
        return True
    have = draft.reading
    if have.is_empty:
        draft.reading = part
        _settle_country(draft, part)
        return True
    if part.group and not part.cities:
        return _absorbs_group(draft, part.group)
    if have.group and not have.cities and not have.country:
        return _group_absorbs(draft, part, have.group)
    if draft.country and not have.cities and not draft.city_name:
        loose = boundary is Boundary.DASH or (part_count <= 3 and not draft.remote)
        return loose and _absorbs_narrower(draft, part)
    if have.cities and not draft.country:
        return _city_absorbs(draft, part)
    if have.regions and not draft.region:
        return _region_absorbs(draft, part, boundary)
    if have.name and not have.is_known and not draft.country:
        return _unknown_absorbs(draft, part, boundary)
    if not part.is_known:
        return bool(have.cities or draft.city_name)
    return _repeats(draft, part)


def _absorbs_group(draft: Draft, group: str) -> bool:
    members = gazetteer().members[group]
    country = draft.country or (draft.reading.cities[0].country if draft.reading.cities else None)
    return country in members or (country is not None and not members)


def _group_absorbs(draft: Draft, part: Reading, group: str) -> bool:
    """`EMEA - London` and `Remote - EMEA (Spain)`: the part that lies in the group counts."""
    members = gazetteer().members[group]
    cities = tuple(city for city in part.cities if not members or city.country in members)
    country = part.country if not members or part.country in members else None
    if not cities and not country:
        return False
    draft.reading = replace(part, cities=cities, country=country)
    _settle_country(draft, draft.reading)
    return True


def _absorbs_narrower(draft: Draft, part: Reading) -> bool:
    """`US - California - San Francisco`: a region or a city of the draft's country."""
    regions = tuple(region for region in part.regions if region.country == draft.country)
    cities = tuple(
        city
        for city in part.cities
        if city.country == draft.country
        and (draft.region is None or city.admin1 == draft.region.admin1)
    )
    if regions and not draft.region and not (cities and cities[0].weight >= LARGE_CITY):
        draft.region = regions[0]
        return True
    if cities:
        draft.reading = replace(part, cities=cities, regions=(), country=None)
        return True
    return part.country == draft.country and part.country is not None


def _city_absorbs(draft: Draft, part: Reading) -> bool:
    cities = draft.reading.cities
    large = cities[0].weight >= LARGE_CITY
    if draft.reading.is_partial and not large and _unknown_absorbs(draft, part):
        return True
    for region in part.regions:
        inside = tuple(city for city in cities if _is_in(city, region))
        if inside:
            draft.reading = replace(draft.reading, cities=inside, regions=(), country=None)
            draft.region, draft.country = region, region.country
            return True
    if part.country and (inside := tuple(c for c in cities if c.country == part.country)):
        if _means_region(draft.reading, inside[0], part.country):
            return _region_absorbs(draft, part, Boundary.COMMA)
        draft.reading = replace(draft.reading, cities=inside, regions=(), country=None)
        draft.country = part.country
        return True
    if part.cities and part.cities[0].name == cities[0].name:
        return True
    if part.regions and (part.is_code or not part.cities):
        return _absorbs_region_of_unknown(draft, part, large)
    if draft.reading.regions and part.country:
        return _region_absorbs(draft, part, Boundary.COMMA)
    if part.country:
        return _absorbs_country_of_unknown(draft, part, large)
    return not part.is_known


def _means_region(reading: Reading, city: City, country: str) -> bool:
    """`Oregon, USA` is the state, `New York, USA` the large city in the state of that name."""
    regions = [region for region in reading.regions if region.country == country]
    return bool(regions) and not (
        city.weight >= LARGE_CITY and any(_is_in(city, region) for region in regions)
    )


def _absorbs_region_of_unknown(draft: Draft, part: Reading, large: bool) -> bool:
    """Take the town to be one that the gazetteer lacks, unless it is a large city.

    A state may then be the next of a list (`Chicago, LA`), and a mere code a slip.
    """
    region = part.regions[0]
    if (large and part.cities) or (draft.reading.is_code and draft.reading.regions):
        return False
    if large and region.country not in CODES_READ_ALONE:
        return True
    draft.city_name = draft.reading.name
    draft.reading = replace(draft.reading, cities=(), regions=(), country=None)
    draft.region, draft.country = region, region.country
    return True


def _absorbs_country_of_unknown(draft: Draft, part: Reading, large: bool) -> bool:
    if large:
        return part.is_code
    draft.city_name = draft.reading.name
    draft.reading = replace(draft.reading, cities=(), regions=(), country=None)
    draft.country = part.country
    return True


def _region_absorbs(draft: Draft, part: Reading, boundary: Boundary) -> bool:
    for region in draft.reading.regions:
        if part.country == region.country:
            draft.region, draft.country = region, region.country
            draft.reading = replace(draft.reading, regions=(), cities=(), country=None)
            return True
        inside = tuple(city for city in part.cities if _is_in(city, region))
        if boundary is Boundary.DASH and inside:
            draft.region, draft.country = region, region.country
            draft.reading = replace(part, cities=inside, regions=(), country=None)
            return True
    if part.country and part.country == draft.reading.country:  # `Georgia, GEO`
        draft.reading = replace(draft.reading, regions=(), cities=(), country=None)
        draft.country = part.country
        return True
    if part.is_alpha3 and not draft.reading.is_code and boundary is Boundary.COMMA:
        return _absorbs_country_of_unknown(draft, part, large=False)  # `Punjab, PAK`
    return False


def _unknown_absorbs(draft: Draft, part: Reading, boundary: Boundary = Boundary.COMMA) -> bool:
    name = draft.reading.name
    least = LARGE_CITY if boundary is Boundary.COMMA else 0
    is_town = part.cities and part.cities[0].weight >= least
    if part.regions and (part.is_code or not is_town or draft.reading.is_partial):
        region = part.regions[0]
        draft.city_name, draft.region, draft.country = name, region, region.country
    elif part.country:
        draft.city_name, draft.country = name, part.country
    else:
        return False
    draft.reading = Reading(name=name)
    return True


def _repeats(draft: Draft, part: Reading) -> bool:
    """A country or region after a city that has one already, or the city again."""
    if part.country and part.country == draft.country:
        return True
    if any(region == draft.region for region in part.regions):
        return True
    names = {city.name for city in draft.reading.cities}
    return any(city.name in names and city.country == draft.country for city in part.cities[:1])


def _is_in(city: City, region: Region) -> bool:
    return city.country == region.country and city.admin1 == region.admin1
