"""Triage: what is left to the rules, and why."""

import json
from dataclasses import replace
from typing import Any

import pytest

from openfunnel.errors import ExtractionFailed, InvalidSetting, ModelBusy
from openfunnel.extraction import rules
from openfunnel.extraction.answer_cache import AnswersInMemory
from openfunnel.extraction.calls import Calls
from openfunnel.extraction.chat import Ending, Reply
from openfunnel.extraction.triage import TRIAGE_SCHEMA, Triage
from openfunnel.extraction.usage import Meter
from openfunnel.records import AtsFields, PostingText, RoleFunction
from openfunnel.settings import Settings
from tests.unit.extraction.scripted_model import POSTING, ScriptedModel, moved, says

FRENCH = POSTING.model_copy(
    update={
        "text": "Nous cherchons une personne qui construit et entretient nos outils internes, "
        "avec une équipe de cinq personnes à Nantes. Vous avez de l'expérience avec les "
        "données et vous aimez travailler avec les autres équipes de la maison."
    }
)


def refused(triage: Triage, posting: PostingText = POSTING) -> str | None:
    return triage.refuse(posting, rules.extract(posting))


def titled(title: str) -> PostingText:
    return POSTING.model_copy(update={"title": title})


# --- without any filter -------------------------------------------------------------------------


def test_an_open_posting_with_a_text_is_worth_a_model() -> None:
    assert refused(Triage()) is None


def test_a_closed_posting_goes_no_further() -> None:
    assert refused(Triage(), POSTING.model_copy(update={"closed": True})) == "closed"


@pytest.mark.parametrize("text", ["", "You cook.", "数" * 60])
def test_a_text_too_short_goes_no_further(text: str) -> None:
    assert refused(Triage(), POSTING.model_copy(update={"text": text})) == "too_short"


def test_a_script_that_says_more_with_a_character_needs_fewer() -> None:
    assert refused(Triage(), POSTING.model_copy(update={"text": "数" * 70})) is None


@pytest.mark.parametrize(
    "title",
    [
        "General Application",
        "Join our Talent Community!",
        "TALENT POOL: Cooks",
        "Cook - Expression of Interest",
        "Expressions of Interest",
        "Open Application - Lyon",
        "Future Opportunities",
        "Apply here to be considered for future openings",
        "Don’t see your dream job here?",
        "Don't see what you're looking for?",
        "Candidature spontanée - Cuisine",
        "Initiativbewerbung (m/w/d)",
        "Banco de Talentos",
        "Candidatura espontânea",
        "Open sollicitatie",
    ],
)
def test_a_talent_pool_goes_no_further(title: str) -> None:
    assert refused(Triage(), titled(title)) == "talent_pool"


@pytest.mark.parametrize(
    "title",
    [
        "General Manager",
        "General Counsel",
        "Talent Acquisition Partner",
        "Community Manager",
        "Talent Community Manager",
        "Head of Talent Operations",
        "Open Source Engineer",
        "Application Engineer",
        "Data Pipeline Engineer",
        "Manager, Future of Work",
        "Software Engineer, Opportunities",
        "Director, Interest Rates",
    ],
)
def test_a_job_that_only_sounds_like_a_talent_pool_is_worth_a_model(title: str) -> None:
    assert refused(Triage(), titled(title)) is None


# --- filters ------------------------------------------------------------------------------------


def test_roles_are_those_of_the_rules() -> None:
    only_legal = Triage(roles=frozenset({RoleFunction.LEGAL}))

    assert refused(only_legal) == "role:data"
    assert refused(only_legal, titled("Legal Counsel")) is None
    assert refused(only_legal, titled("Zzyzx")) is None


def test_countries_are_those_of_the_ats_and_none_is_no_reason() -> None:
    only_france = Triage(countries=frozenset({"FR"}))

    assert refused(only_france, moved(POSTING, "Berlin, Germany")) == "country"
    assert refused(only_france, moved(POSTING, "Berlin, Germany", "Lyon, France")) is None
    assert refused(only_france) is None


def test_a_language_is_what_the_ats_states_else_what_the_text_reads_like() -> None:
    only_french = Triage(languages=frozenset({"fr"}))
    stated = POSTING.model_copy(update={"fields": AtsFields(language="fr")})

    assert refused(only_french) == "language"
    assert refused(only_french, FRENCH) is None
    assert refused(only_french, stated) is None
    assert refused(only_french, POSTING.model_copy(update={"text": "1234 " * 100})) is None


def test_settings_make_the_filters() -> None:
    settings = Settings.load(
        environ={}, triage_roles="legal,sales", triage_countries="fr", triage_languages="FR"
    )

    assert refused(Triage.of(settings)) == "role:data"


@pytest.mark.parametrize(
    ("setting", "variable"),
    [
        ({"triage_roles": "wizard"}, "OPENFUNNEL_TRIAGE_ROLES"),
        ({"triage_languages": "xx"}, "OPENFUNNEL_TRIAGE_LANGUAGES"),
        ({"triage_countries": "fr,zz"}, "OPENFUNNEL_TRIAGE_COUNTRIES: no country .* 'ZZ'"),
        ({"triage_countries": "UK"}, "'UK'; GB is meant"),
    ],
)
def test_a_filter_of_nothing_known_names_its_variable(
    setting: dict[str, Any], variable: str
) -> None:
    with pytest.raises(InvalidSetting, match=variable):
        Triage.of(Settings.load(environ={}, **setting))


# --- a model for triage alone -------------------------------------------------------------------


def told(**changes: Any) -> Reply:
    stated = {"role_function": "legal", "country": "FR", "language": "fr"}
    return says(json.dumps(stated | changes))


class Asking:
    """A triage with a model, and what it costs."""

    def __init__(self, *replies: Reply | Exception, **filters: frozenset[Any]) -> None:
        self.model = ScriptedModel("tiny", told=list(replies))
        self.triage = Triage(**filters, model=self.model)
        self.meter = Meter()
        self.calls = Calls(self.meter, slots=1)
        self.cache = AnswersInMemory()

    async def refused(self, posting: PostingText = POSTING) -> str | None:
        stated = rules.extract(posting)
        assert self.triage.refuse(posting, stated) is None
        return await self.triage.refuse_by_model(posting, stated, self.calls, self.cache)


async def test_the_triage_model_tells_the_role_instead_of_the_rules() -> None:
    assert await Asking(told(), roles=frozenset({RoleFunction.LEGAL})).refused() is None
    assert await Asking(told(), roles=frozenset({RoleFunction.DATA})).refused() == "role:legal"


async def test_the_triage_model_tells_what_the_ats_does_not() -> None:
    asking = Asking(told(country="de"), countries=frozenset({"FR"}))

    assert await asking.refused() == "country"
    assert await Asking(told(country=None), countries=frozenset({"FR"})).refused() is None
    assert await Asking(told(language="de"), languages=frozenset({"fr"})).refused() == "language"
    assert await Asking(told(language="FR"), languages=frozenset({"fr"})).refused() is None


@pytest.mark.parametrize("said", ["France", "", "somewhere in the north", None])
async def test_what_is_no_code_is_no_reason(said: str | None) -> None:
    reply = told(country=said, language=said)
    asking = Asking(reply, countries=frozenset({"DE"}), languages=frozenset({"de"}))

    assert await asking.refused() is None


async def test_nobody_is_asked_what_is_known_or_not_filtered() -> None:
    unfiltered = Asking()
    stated = Asking(countries=frozenset({"FR"}))

    assert await unfiltered.refused() is None
    assert await stated.refused(moved(POSTING, "Lyon, France")) is None
    assert unfiltered.model.asked == stated.model.asked == []


async def test_the_triage_model_sees_title_and_opening_and_is_asked_once() -> None:
    long = POSTING.model_copy(update={"text": POSTING.text + " more" * 1000})
    asking = Asking(told(), roles=frozenset({RoleFunction.LEGAL}))

    assert await asking.refused(long) is None
    assert await asking.refused(moved(long, "Lyon")) is None

    (messages,) = asking.model.asked
    assert len(messages[-1].content) < 1000
    (use,) = asking.meter.take()
    assert (use.calls, use.cache_hits) == (1, 1)


@pytest.mark.parametrize(
    "reply",
    [
        says("Sure!"),
        says("{}"),
        told(role_function="wizard"),
        replace(told(), ending=Ending.TOO_LONG),
        ExtractionFailed(reason="no answer"),
    ],
)
async def test_a_posting_passes_where_the_triage_model_is_of_no_use(
    reply: Reply | Exception,
) -> None:
    assert await Asking(reply, roles=frozenset({RoleFunction.DATA})).refused() is None


async def test_a_triage_model_that_is_away_is_waited_for() -> None:
    away = ModelBusy(model="tiny", host="nowhere", reason="busy")

    with pytest.raises(ModelBusy):
        await Asking(away, roles=frozenset({RoleFunction.DATA})).refused()


async def test_a_triage_model_says_other_and_means_it() -> None:
    asking = Asking(told(role_function="other"), roles=frozenset({RoleFunction.DATA}))

    assert await asking.refused() == "role:other"


def test_the_triage_schema_asks_for_what_is_filtered() -> None:
    assert list(TRIAGE_SCHEMA["properties"]) == TRIAGE_SCHEMA["required"]
