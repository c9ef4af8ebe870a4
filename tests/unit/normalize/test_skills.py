"""The taxonomy's files are sound, and its names are found where they are meant."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize import skills, taxonomy
from openfunnel.normalize.text import fold


def names(text: str) -> list[str]:
    return [match.name for match in skills.find(text)]


# --- the files ----------------------------------------------------------------------------------


def test_every_slug_belongs_to_one_entry() -> None:
    slugs = Counter(entry.slug for entry in taxonomy.entries())
    assert [slug for slug, times in slugs.items() if times > 1] == []


def test_every_spelling_belongs_to_one_entry() -> None:
    owners: dict[str, set[str]] = {}
    for entry in taxonomy.entries():
        for spelling in (entry.name, *(alias.text for alias in entry.aliases)):
            key = fold(spelling).replace("-", " ")
            owners.setdefault(key, set()).add(entry.slug)
    assert {key: slugs for key, slugs in owners.items() if len(slugs) > 1} == {}


def test_no_alias_is_given_twice() -> None:
    for entry in taxonomy.entries():
        spellings = Counter((alias.text, alias.exact) for alias in entry.aliases)
        assert max(spellings.values()) == 1, entry.name


def test_an_ambiguous_alias_has_context_words() -> None:
    lacking = [
        entry.name
        for entry in taxonomy.entries()
        if any(alias.ambiguous for alias in entry.aliases) and not entry.context
    ]
    assert lacking == []


def test_a_name_is_one_of_its_spellings_in_its_own_letter_case() -> None:
    """A name repeated with marks in other letters (`=SOLIDWORKS`) is no longer matched itself."""
    lost = [
        entry.name
        for entry in taxonomy.entries()
        if not any(
            alias.text == entry.name
            or (not alias.exact and alias.text.casefold() == entry.name.casefold())
            for alias in entry.aliases
        )
    ]
    assert lost == []


def test_names_and_columns_are_tidy() -> None:
    for entry in taxonomy.entries():
        assert entry.name == " ".join(entry.name.split())
        assert all(alias.text and alias.text[0] not in "=?" for alias in entry.aliases), entry.name
        assert "|" not in entry.name


def test_a_single_letter_is_always_ambiguous_and_exact() -> None:
    for entry in taxonomy.entries():
        for alias in entry.aliases:
            if len(alias.text) == 1:
                assert (alias.ambiguous, alias.exact) == (True, True), entry.name


def test_an_everyday_name_of_a_product_is_marked() -> None:
    """A word in small letters is no product, whatever stands beside it."""
    words = (
        "canvas convoy copper discord encompass geneva harness indeed mercury rally safari tally"
    )
    for word in words.split():
        entry = skills.resolve(word)
        if entry is not None and not entry.is_skill:
            bare = [alias for alias in entry.aliases if alias.text.casefold() == word]
            assert all(alias.exact and alias.ambiguous for alias in bare), word


def test_each_technology_has_one_category_and_no_slug_of_nothing() -> None:
    for entry in taxonomy.entries():
        assert entry.slug != "unnamed", entry.name
        assert entry.category.isidentifier(), entry.name


def test_no_skill_is_a_quality_of_character() -> None:
    for words in ("communication", "ownership", "teamwork", "proactivity", "problem solving"):
        assert skills.resolve(words) is None


def test_there_are_technologies_and_skills_enough() -> None:
    kinds = Counter(entry.is_skill for entry in taxonomy.entries())
    assert kinds[False] >= 7000
    assert kinds[True] >= 2100


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("C++", "c-plus-plus"),
        ("C#", "c-sharp"),
        (".NET", "dot-net"),
        ("ASP.NET", "asp-net"),
        ("Node.js", "node-js"),
        ("Weights & Biases", "weights-and-biases"),
        ("PL/SQL", "pl-sql"),
        ("   ", "unnamed"),
    ],
)
def test_a_slug_keeps_what_tells_names_apart(name: str, slug: str) -> None:
    assert taxonomy.slug_of(name) == slug


@pytest.mark.parametrize(
    ("name", "meant", "not_meant"),
    [
        ("Go", "Services in Go and Python", "You go to market"),
        ("R", "Statistics in R", "R & D is what we do"),
        ("C", "Firmware in C", "Reports to the C-suite"),
        ("Microsoft Excel", "Excel and other spreadsheets", "Excel at what you sell"),
        ("React", "A frontend in React", "React to what customers say"),
        ("Apache Spark", "Data pipelines in Spark", "Spark joy in every team"),
        ("Segment", "Segment and Amplitude", "Segment by segment, we grow"),
        ("Notion", "We write in Notion and Jira", "Notion of time"),
        ("Salt", "Ansible or Salt", "Salt of the earth"),
        ("Chef", "Puppet or Chef", "Chef for our canteen"),
        ("Square", "Payments through Square", "Near Union Square"),
        ("Microsoft Access", "Word, Excel and Access", "Access to our gym"),
        ("Microsoft Word", "Excel and Word", "Word of mouth"),
        ("Monday.com", "Asana or Monday", "Monday to Friday"),
        ("Zoom", "Slack and Zoom", "Zoom in on what matters"),
        ("Slack", "Zoom and Slack", "Slack in the schedule"),
        ("Box", "Dropbox or Box", "Box office hours"),
    ],
)
def test_a_word_that_is_a_name_too_counts_in_its_context(
    name: str, meant: str, not_meant: str
) -> None:
    assert name in [match.name for match in skills.find(meant)]
    assert name not in [match.name for match in skills.find(not_meant)]


# --- resolve, aliases ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("postgres", "PostgreSQL"),
        ("POSTGRESQL", "PostgreSQL"),
        ("k8s", "Kubernetes"),
        ("golang", "Go"),
        ("go", "Go"),
        ("real time systems", "real-time systems"),
        ("c++", "C++"),
        ("hedge funds", "alternative investments"),
        ("business strategies", "business strategy"),
        ("Data Centre Operations", "data center operations"),
    ],
)
def test_a_name_or_alias_resolves_to_its_entry(spelling: str, name: str) -> None:
    entry = skills.resolve(spelling)
    assert entry is not None
    assert entry.name == name


def test_an_unknown_name_resolves_to_nothing() -> None:
    assert skills.resolve("Frobnicator 3000") is None
    assert skills.resolve("") is None


def test_aliases_are_the_other_spellings() -> None:
    assert "Postgres" in skills.aliases("postgresql")
    assert "PostgreSQL" not in skills.aliases("postgresql")
    assert skills.aliases("no-such-slug") == ()


def test_each_entry_resolves_by_its_own_name() -> None:
    for entry in taxonomy.entries():
        assert skills.resolve(entry.name) == entry


# --- find ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Node.js, ASP.NET and .NET", ["Node.js", "ASP.NET", ".NET"]),
        ("C++/C# services", ["C++", "C#"]),
        ("C/C++ for firmware", ["C", "C++", "firmware development"]),
        ("Python3 and Java 8.", ["Python", "Java"]),
        ("Java, JavaScript", ["Java", "JavaScript"]),
        ("a PostgreSQL's extension", ["PostgreSQL"]),
        ("Google Cloud Run", ["Google Cloud Run"]),
        ("postgres-based", ["PostgreSQL"]),
        ("Terraform\u00a0and non\u2011relational", ["Terraform"]),
        ("REST APIs", ["REST"]),
        ("data pipelines", ["data pipelines"]),
        ("go-to-market strategies", ["go-to-market strategy"]),
        (
            "containerisation and service virtualisation",
            ["containerization", "service virtualization"],
        ),
        ("data centre operations", ["data center operations"]),
        ("load tests, contract testing", ["load testing", "contract testing"]),
    ],
)
def test_names_are_found_between_word_boundaries(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize(
    "text",
    [
        "JavaScripty",
        "python_dev",
        "mySQLish",
        "https://example.com/docs/python/react?lang=java",
        "docs.python.org",
        "mail python@example.com",
        "www.docker.com",
        "https://example.com/jobs/machine-learning/sales-operations",
        "payroll@example.com",
        "machine-learning.example.org",
    ],
)
def test_nothing_is_found_inside_words_and_addresses(text: str) -> None:
    assert names(text) == []


def test_a_name_that_is_a_host_name_is_found() -> None:
    assert names("boards in monday.com") == ["Monday.com"]


@pytest.mark.parametrize(
    "text",
    [
        "You own our go-to-market plan and go beyond",
        "You Excel at what you do",
        "Access to a great team",
        "React quickly to change",
        "React calmly under pressure, with experience in the web",
        "Based in Cypress, CA",
        "Vue d'ensemble du poste",
        "Jest to praca biurowa",
        "Carpenter/Framer wanted",
        "Spring internship: experience with people",
        "Swift payments, experience with banks",
        "A notion of quality",
        "every segment of the market",
        "Join C-level meetings after our Series C",
        "We are based in Square Mile",
        "a chef, a box and some salt",
        "Lead with R&D",
        "A blank canvas, a safe harbor and bare metal",
        "Indeed, we rally in Geneva and go on safari",
        "Hit the deck with the Opera on Monday",
        "Discord between teams, and a convoy of copper wire",
        "Mercury and Geneva are places; so is Harbor",
        "You'll excel by asking, and have the opportunity to excel",
        "Our office in Hong Kong",
        "Pay by American Express",
        "You drive adoption and are a trusted advisor",
        "Product Teams and their Drive for results",
        "There is room to grow, and a step function in quality",
        "A BSc or BSC in engineering",
        "Work with the ASIC, kernel and runtime teams",
        "Access any of our global offices anytime",
        "A next-generation firewall",
    ],
)
def test_an_everyday_word_is_no_technology(text: str) -> None:
    assert [match.name for match in skills.find(text) if not match.is_skill] == []


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("written in Go", "Go"),
        ("Go, Rust and Python", "Go"),
        ("advanced Excel skills", "Microsoft Excel"),
        ("statistics in R", "R"),
        ("React frontend", "React"),
        ("You write Swift code", "Swift"),
        ("Use React efficiently", "React"),
        ("docs in Notion and Confluence", "Notion"),
        ("our data runs on Spark", "Apache Spark"),
        ("Fluent in German", "German"),
        ("courses in Canvas or another LMS", "Canvas"),
        ("check in guests with Opera, our hotel PMS", "Oracle Hospitality OPERA"),
        ("fund accounting in Geneva", "Geneva"),
        ("community on Slack and Discord", "Discord"),
        ("guides in SolidWorks and Mastercam", "Mastercam"),
        ("claims in Guidewire ClaimCenter", "Guidewire ClaimCenter"),
        ("charting in eClinicalWorks", "eClinicalWorks"),
        ("freight booked in CargoWise", "CargoWise"),
        ("assays in GraphPad Prism", "GraphPad Prism"),
        ("books kept in Deltek Costpoint", "Costpoint"),
        ("Experience with Slack", "Slack"),
        ("a Slack message away", "Slack"),
        ("we plan and track work in Linear", "Linear"),
        ("Server-side programming in go", "Go"),
        ("frameworks (like Express, Sails, Hapi, Spring, etc)", "Express.js"),
        ("frameworks (like Express, Sails, Hapi, Spring, etc)", "Hapi.js"),
        ("frameworks (like Express, Sails, Hapi, Spring, etc)", "Spring"),
        ("Shell or Linux programming", "Shell"),
        ("Jetpack (ViewModel, Room, Hilt)", "Room Database"),
        ("growth tools like Salesforce, Clay, Unify", "Unify"),
        ("Proven experience with NPSP and NPC", "Salesforce Nonprofit Cloud"),
        ("AWS tools (GuardDuty, Security Hub, Inspector)", "Amazon Inspector"),
        ("emulation on Palladium, Veloce or Zebu", "Siemens Veloce"),
        ("CAD tools such as SolidWorks and ANSYS", "SolidWorks"),
        ("Docs, Slides and Sheets of Google", "Google Slides"),
        ("C2 frameworks (Cobalt Strike, Sliver)", "Sliver"),
    ],
)
def test_an_ambiguous_name_counts_in_context(text: str, name: str) -> None:
    assert name in names(text)


@pytest.mark.parametrize(
    "name",
    ["React", "Cypress", "Framer", "Vue.js", "Angular", "Jest", "Flask", "Rust", "Swift", "Go"],
)
@pytest.mark.parametrize(
    "bullet", ["Experience with {}", "Strong {} skills", "Familiarity with {}", "Expert in {}"]
)
def test_a_name_alone_in_a_plain_bullet_is_found(bullet: str, name: str) -> None:
    assert names(bullet.format(name.removesuffix(".js"))) == [name]


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Model events and payments in BigQuery", ["payments", "Google BigQuery"]),
        ("Backend Engineer in the Billing team", ["backend development"]),
        ("WCAG", ["accessibility"]),
        ("Knowledge of WCAG accessibility standards", ["accessibility"]),
        ("You reporting to the head of sales", []),
        ("Our retail stores, our healthcare, our dashboards", []),
        ("Shipping code, closing the loop, leading the way, an agile mindset", []),
        ("Health insurance, a pension scheme, a gym", []),
        ("audit-ready records", []),
        ("Acting as an owner, catering to users, time permitting", []),
        ("Concrete examples, baking in security, building systems", []),
        ("Visa sponsorship, leave for the primary caregiver", []),
        ("with product managers, data scientists and software engineers", []),
        ("Our Irish and Georgian offices", []),
        ("Experience in retail", ["retail"]),
        ("agile methodologies", ["Agile"]),
        ("receiving and shipping", ["shipping"]),
    ],
)
def test_a_word_of_many_trades_is_no_skill_and_a_standard_is_one(
    text: str, found: list[str]
) -> None:
    assert names(text) == found


def test_a_neighbour_in_a_list_is_context_both_ways() -> None:
    assert names("R, Kubernetes") == ["R", "Kubernetes"]
    assert names("Kubernetes, R, Go") == ["Kubernetes", "R", "Go"]


def test_a_name_is_read_so_many_times_and_no_more() -> None:
    repeated = skills.find("Python, R, " * (skills.MOST_TIMES + 9))
    assert Counter(match.name for match in repeated) == {
        "Python": skills.MOST_TIMES,
        "R": skills.MOST_TIMES,
    }


@pytest.mark.parametrize(
    "piece",
    ["R,", "Go ", "Go.", "sales ", "a@Go.", "Go.com ", "English ", "http://a.b/Go ", "([", "1"],
)
def test_a_long_text_of_one_word_has_few_names(piece: str) -> None:
    assert len(skills.find(piece * 100_000)) <= skills.MOST_TIMES


def test_context_ends_with_the_line() -> None:
    assert names("Move fast.\nThe programming language") == []
    assert "Go" not in names("Kubernetes\nGo home")


def test_positions_are_those_of_the_text_given() -> None:
    text = "İstanbul: Python, İzmir: Docker"  # a character that grows when lowered
    assert [text[match.start : match.end] for match in skills.find(text)] == ["Python", "Docker"]


@given(st.text(alphabet=st.sampled_from("CGRgo+#.js Python,/@:\n-İßé\u00a0数"), max_size=200))
def test_matches_are_ordered_and_never_overlap(text: str) -> None:
    reached = 0
    for match in skills.find(text):
        assert reached <= match.start < match.end <= len(text)
        reached = match.end


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("iOS development", ["iOS development", "iOS"]),
        ("Kubernetes administration skills", ["Kubernetes"]),
    ],
)
def test_a_technology_within_the_name_of_a_skill_is_found(text: str, found: list[str]) -> None:
    assert names(text) == found


@pytest.mark.parametrize("text", ["Front-end", "Signal integrity", "React Front-end Engineer"])
def test_a_word_within_the_name_of_a_skill_is_no_technology(text: str) -> None:
    assert not {"Front", "Signal Messenger"} & set(names(text))
