"""The deterministic extractor, field by field, and on whatever may come."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openfunnel.extraction.rules import TEXT_CHARACTERS, extract
from openfunnel.records import (
    AtsFields,
    Compensation,
    EmploymentType,
    Evidence,
    Extraction,
    PayPeriod,
    PostingText,
    RoleFunction,
    Seniority,
    SkillMention,
    Stance,
    ValueSource,
    Workplace,
)

TEXT = """\
## About Acme Kettles
Acme Kettles makes kettles for 300 cafés. We are growing our engineering team quickly.
## What you'll do
- You will build our ordering system in Go and PostgreSQL.
- Take part in the migration from the monolith to Kubernetes.
## Requirements
- 5+ years of experience with distributed systems
- Fluent in Python or Go; Docker is a plus
- Fluent English
## Nice to have
- Terraform, Helm
## Benefits
- Base salary: $150,000 - $180,000 per year
- Full-time, hybrid: two days a week in our Berlin office
- A Slack channel for cat pictures
"""
POSTING = PostingText(
    title="Senior Backend Engineer",
    text=TEXT,
    company_name="Acme Kettles",
    fields=AtsFields(locations=("Berlin, Germany",), departments=("Engineering",)),
)


def stances(mentions: tuple[SkillMention, ...]) -> dict[str, Stance]:
    return {mention.name: mention.stance for mention in mentions}


def evidences(extraction: Extraction) -> list[Evidence]:
    scalars = (
        extraction.role_function,
        extraction.seniority,
        extraction.employment_type,
        extraction.workplace,
        extraction.compensation,
        extraction.years_experience_min,
        extraction.summary,
    )
    found = [scalar.evidence for scalar in scalars if scalar and scalar.evidence]
    lists = (*extraction.technologies, *extraction.skills, *extraction.initiatives)
    return found + [item.evidence for item in lists]


def is_verbatim(evidence: Evidence, posting: PostingText) -> bool:
    if evidence.start is None:
        return evidence.end is None and evidence.text == posting.title
    return posting.text[evidence.start : evidence.end] == evidence.text


# --- a whole posting ----------------------------------------------------------------------------


def test_scalar_fields_are_read_from_title_and_text() -> None:
    result = extract(POSTING)
    assert result.role_function.value is RoleFunction.ENGINEERING
    assert result.seniority.value is Seniority.SENIOR
    assert result.employment_type is not None
    assert result.employment_type.value is EmploymentType.FULL_TIME
    assert result.workplace is not None
    assert result.workplace.value is Workplace.HYBRID
    assert result.years_experience_min is not None
    assert result.years_experience_min.value == 5
    assert result.compensation is not None
    pay = result.compensation.value
    assert (pay.min, pay.max, pay.currency) == (Decimal(150_000), Decimal(180_000), "USD")


def test_technologies_and_skills_have_the_stance_of_their_place() -> None:
    result = extract(POSTING)
    assert stances(result.technologies) == {
        "Go": Stance.REQUIRED,
        "PostgreSQL": Stance.USED,
        "Kubernetes": Stance.USED,
        "Python": Stance.REQUIRED,
        "Docker": Stance.PREFERRED,
        "Terraform": Stance.PREFERRED,
        "Helm": Stance.PREFERRED,
    }
    assert stances(result.skills)["distributed systems"] is Stance.REQUIRED
    assert stances(result.skills)["English"] is Stance.REQUIRED
    assert {mention.category for mention in result.skills} == {"skill"}


def test_initiatives_and_summary_come_from_the_text() -> None:
    result = extract(POSTING)
    assert {item.type.value for item in result.initiatives} == {"scaling", "migration"}
    assert result.summary is not None
    assert result.summary.value == "You will build our ordering system in Go and PostgreSQL."


def test_all_evidence_is_verbatim_and_short() -> None:
    found = evidences(extract(POSTING))
    assert len(found) > 10
    for evidence in found:
        assert is_verbatim(evidence, POSTING)
        assert len(evidence.text.split()) <= 30
    assert all(source is ValueSource.RULES for source in [m.source for m in _mentions()])


def _mentions() -> tuple[SkillMention, ...]:
    result = extract(POSTING)
    return (*result.technologies, *result.skills)


def test_the_same_posting_gives_the_same_extraction() -> None:
    assert extract(POSTING) == extract(POSTING.model_copy())


# --- who is right -------------------------------------------------------------------------------


def test_structured_fields_win_over_the_text() -> None:
    pay = Compensation(
        min=Decimal(90_000), max=Decimal(95_000), currency="EUR", period=PayPeriod.YEAR
    )
    fields = AtsFields(commitment="Part-time", workplace="remote", compensation=pay)
    result = extract(POSTING.model_copy(update={"fields": fields}))
    assert result.employment_type is not None
    assert (result.employment_type.value, result.employment_type.source) == (
        EmploymentType.PART_TIME,
        ValueSource.ATS,
    )
    assert result.workplace is not None
    assert (result.workplace.value, result.workplace.source) == (
        Workplace.REMOTE,
        ValueSource.ATS,
    )
    assert result.compensation is not None
    assert (result.compensation.value, result.compensation.source) == (pay, ValueSource.ATS)


def test_a_field_for_pay_that_holds_earnings_on_target_says_so() -> None:
    pay = Compensation(
        min=Decimal(90_000), max=Decimal(120_000), currency="USD", period=PayPeriod.YEAR
    )
    fields = AtsFields(compensation=pay)
    text = "The on-target earnings (OTE) for this position range from $90,000 to $120,000 a year."
    earned = extract(PostingText(title="Agent", text=text, fields=fields)).compensation
    assert earned is not None
    assert earned.value == pay.model_copy(update={"ote": True})
    of_base = extract(PostingText(title="Agent", text="You earn well.", fields=fields)).compensation
    assert of_base is not None
    assert of_base.value == pay


def test_locations_are_the_fields_own() -> None:
    (place,) = extract(POSTING).locations
    assert (place.value.city, place.value.country) == ("Berlin", "DE")
    assert place.source is ValueSource.ATS


def test_an_office_gives_the_city_unless_the_job_is_remote() -> None:
    onsite = AtsFields(locations=("Hybrid",), offices=("Paris, France",))
    remote = AtsFields(locations=("Remote",), offices=("Paris, France",))
    text = PostingText(title="Engineer", text="", fields=onsite)
    assert [place.value.city for place in extract(text).locations] == ["Paris"]
    assert extract(text.model_copy(update={"fields": remote})).locations == ()


def test_an_internship_stays_one_whatever_its_hours() -> None:
    fields = AtsFields(commitment="Full-time")
    result = extract(PostingText(title="Marketing Intern", text="", fields=fields))
    assert result.employment_type is not None
    assert result.employment_type.value is EmploymentType.INTERNSHIP


@pytest.mark.parametrize(
    ("title", "level"),
    [
        ("Bakery Operations Manager", "manager"),
        ("Product Manager", "mid"),
        ("Baker", "mid"),
        ("Senior Bakery Manager", "senior"),
    ],
)
def test_a_manager_is_one_who_manages_people(title: str, level: str) -> None:
    text = "You will lead and coach a team of bakers."
    assert extract(PostingText(title=title, text=text)).seniority.value == level
    assert extract(PostingText(title=title, text="")).seniority.value != "manager"


def test_a_manager_is_one_who_manages_people_in_french_too() -> None:
    text = "À la tête d’une équipe de boulangers, vous faites le pain."
    assert extract(PostingText(title="Chef de l’atelier", text=text)).seniority.value == "manager"
    assert extract(PostingText(title="Chef de projet", text=text)).seniority.value == "mid"


def test_a_department_may_hire_beginners() -> None:
    fields = AtsFields(departments=("Early Careers",))
    assert extract(PostingText(title="Baker", text="", fields=fields)).seniority.value == "junior"


def test_the_title_says_how_long_a_job_lasts() -> None:
    assert extract(PostingText(title="Baker (Seasonal)", text="")).employment_type is not None


def test_one_year_asked_for_means_junior_and_nothing_said_means_mid() -> None:
    one_year = "## Requirements\n- At least 1 year of experience in sales"
    assert extract(PostingText(title="Agent", text=one_year)).seniority.value is Seniority.JUNIOR
    assert extract(PostingText(title="Agent", text="")).seniority.value is Seniority.MID


def test_of_years_in_several_items_the_most_are_the_overall_ones() -> None:
    text = "## Requirements\n- 3+ years of management experience\n- 8+ years in kettle design"
    years = extract(PostingText(title="Manager", text=text)).years_experience_min
    assert years is not None
    assert years.value == 8
    assert years.evidence is not None
    assert years.evidence.text == "8+ years"


def test_years_that_are_only_welcome_do_not_count() -> None:
    text = "## Nice to have\n- 7+ years of experience in sales"
    assert extract(PostingText(title="Agent", text=text)).years_experience_min is None


# --- what is no technology ----------------------------------------------------------------------


@pytest.mark.parametrize("company", ["Stripe", "Stripe, Inc.", "STRIPE", "Stripe Technologies Ltd"])
def test_the_employer_and_its_products_do_not_count(company: str) -> None:
    text = "## Requirements\n- You know the Stripe API, Stripe Billing payments and Python"
    result = extract(PostingText(title="Engineer", text=text, company_name=company))
    assert list(stances(result.technologies)) == ["Python"]


def test_products_of_the_employer_under_other_names_do_not_count() -> None:
    text = "## What you'll do\n- Support Jira and Trello on PostgreSQL"
    result = extract(PostingText(title="Engineer", text=text, company_name="Atlassian"))
    assert list(stances(result.technologies)) == ["PostgreSQL"]


@pytest.mark.parametrize(
    "opening",
    [
        "## About Shopify",
        "At Shopify, we sell.",
        "Join Shopify!",
        "Our sales team at Shopify is small.",
        "Shopify is proud to be an equal opportunity employer.",
        "Shopify is a place to sell.",
    ],
)
def test_the_text_names_the_employer_where_the_board_does_not(opening: str) -> None:
    text = f"{opening}\n## Requirements\n- You know Shopify and Ruby on Rails"
    result = extract(PostingText(title="Engineer", text=text))
    assert list(stances(result.technologies)) == ["Ruby on Rails"]


@pytest.mark.parametrize(
    "sentence",
    [
        "We serve companies like Shopify, OpenAI and NVIDIA.",
        "Our team comes from Shopify, Dropbox and Stripe.",
        "Our angels are the founders of Shopify, Dropbox and Stripe.",
        "Nous suivons des entreprises telles que Shopify, Dropbox et Stripe.",
        "Wir kennen Unternehmen wie Shopify und Stripe.",
    ],
)
def test_companies_in_a_list_do_not_count(sentence: str) -> None:
    text = f"{sentence} We use Python."
    result = extract(PostingText(title="Engineer", text=text))
    assert list(stances(result.technologies)) == ["Python"]


def test_small_print_does_not_count() -> None:
    text = "## How to apply\nWe use Greenhouse, an ATS, and Zoom for interviews by video call."
    assert extract(PostingText(title="Engineer", text=text)).technologies == ()


# --- evidence -----------------------------------------------------------------------------------


def test_evidence_of_the_title_has_no_position() -> None:
    (mention,) = extract(PostingText(title="Python Developer", text="")).technologies
    assert mention.evidence == Evidence(text="Python Developer")


def test_evidence_of_a_long_sentence_is_fifteen_words_around_the_name() -> None:
    sentence = "word " * 30 + "Python " + "word " * 30
    (mention,) = extract(PostingText(title="Agent", text=sentence)).technologies
    assert len(mention.evidence.text.split()) == 15
    assert "Python" in mention.evidence.text


def test_evidence_in_a_script_without_spaces_is_short() -> None:
    text = "我们的团队使用" * 60 + "Python" + "和其他工具" * 60
    mentions = extract(PostingText(title="Agent", text=text)).technologies
    assert all(6 <= len(mention.evidence.text) <= 70 for mention in mentions)


# --- whatever may come --------------------------------------------------------------------------

TELLING = (
    "## |Requirements|Nice to have|\n|- |Go|, |Python|C++|5+ years |of experience |$100,000 - |"
    "120k USD|remote|We are |looking for a senior |. |(|)|\u00a0|\0|\ud800|İ|数据|e.g. |AI tools|"
    "growing our team|https://a.io/|@|:|;|use |preferred|About |Acme|customers like |Excel|R|"
    "You will build "
)
WORDS = st.sampled_from(TELLING.split("|"))


@given(title=st.text(max_size=80), text=st.text(max_size=400), company=st.none() | st.text())
def test_any_text_is_extracted_with_verbatim_evidence(
    title: str, text: str, company: str | None
) -> None:
    posting = PostingText(title=title, text=text, company_name=company)
    assert all(is_verbatim(evidence, posting) for evidence in evidences(extract(posting)))


@settings(max_examples=300)
@given(title=st.lists(WORDS).map("".join), text=st.lists(WORDS, max_size=60).map("".join))
def test_any_mix_of_telling_words_is_extracted_with_verbatim_evidence(
    title: str, text: str
) -> None:
    posting = PostingText(title=title, text=text)
    assert all(is_verbatim(evidence, posting) for evidence in evidences(extract(posting)))


@given(
    st.builds(
        AtsFields,
        locations=st.tuples(st.text(max_size=40)),
        offices=st.tuples(st.text(max_size=40)),
        departments=st.tuples(st.text(max_size=40)),
        commitment=st.none() | st.text(max_size=40),
        workplace=st.none() | st.text(max_size=40),
    )
)
def test_any_fields_are_extracted(fields: AtsFields) -> None:
    assert extract(PostingText(title="Engineer", text="", fields=fields)).technologies == ()


@pytest.mark.parametrize(
    "unit",
    [
        "c", "R, Go, C, ", "Java,", "Java.", "(", "9", "5+ years ", "$100 ", "\n", "\n## About you",
        "a@b.io ", "Python companies like ", "migrating from ", "İ", "数据 Go", "looking for a ",
        "- 5+ years in ", "use AI to ", "users to ", "as a senior x ", "Our team at X is ",
        "we help users expand in ", "You will x. ",
    ],
)  # fmt: skip
def test_two_million_characters_are_read_up_to_the_bound(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    posting = PostingText(title=unit * 100, text=text)
    found = evidences(extract(posting))
    assert all(evidence.end is None or evidence.end <= TEXT_CHARACTERS for evidence in found)


def test_a_sentence_of_endless_words_is_no_summary() -> None:
    text = "You will build " + "x" * 700 + " for us all the time."
    summary = extract(PostingText(title="y" * 2_000, text=text)).summary
    assert summary is not None
    assert len(summary.value) <= 600
