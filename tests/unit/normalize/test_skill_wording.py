"""The ways postings word a skill are understood; words of teams, perks and small print are none."""

import pytest

from openfunnel.normalize import skills, taxonomy


def names(text: str) -> list[str]:
    return [match.name for match in skills.find(text) if match.is_skill]


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Negotiating agreements with vendors", "contract negotiation"),
        ("You draft and negotiate contracts", "contract negotiation"),
        ("Contract negotiations", "contract negotiation"),
        ("Capacity forecasting", "capacity planning"),
        ("Through code and design review", "code review"),
        ("SOX control testing", "control testing"),
        ("Manage an end‑to‑end pipeline", "pipeline management"),
        ("Five years of closing experience in sales", "closing deals"),
        ("You made cold calls", "cold calling"),
        ("Conduct user research", "user research"),
        ("Build dashboards for the board", "dashboard development"),
        ("Comfort writing scripts", "scripting"),
        ("A distributed system", "distributed systems"),
        ("Server-side programming", "backend development"),
        ("Optimising processes", "process improvement"),
        ("Analyse root causes", "root cause analysis"),
        ("Gestion des réseaux sociaux", "social media management"),
        ("Führungserfahrung", "people management"),
        ("Gestión de compras", "procurement"),
        ("Folha de pagamento", "payroll"),
        ("Knowledge of Good Clinical Practice", "good clinical practice"),
        ("Static timing analysis", "physical design"),
        ("Journeyman electrician", "electrical installation"),
        ("Line cook experience", "cooking"),
        ("Lesson plans for grade three", "curriculum development"),
        ("Comfortable using AI tools every day", "AI tools"),
        ("Access reviews and access management", "access control"),
        ("Multi-threaded sales", "multi-threaded selling"),
        ("Multi-threaded Java applications", "concurrent programming"),
    ],
)
def test_a_skill_is_known_in_the_words_of_postings(text: str, name: str) -> None:
    assert name in names(text)


@pytest.mark.parametrize(
    "text",
    [
        "Tell our recruiting team if the recruitment process is hard for you",
        "You partner with the sales team, the marketing teams and the legal team",
        "Read our privacy policy",
        "Reasonable accommodations are there for all",
        "Life insurance and mental health support",
        "Company events, offsites and hackathons",
        "A great customer experience",
        "We build systems that people trust",
        "Competitive compensation and benefits",
        "A culture of continuous improvement",
        "Subject to export control authorization",
        "An AI native company",
        "Career development opportunities for all",
        "Our stakeholders and our partnerships",
    ],
)
def test_words_of_teams_perks_and_slogans_are_no_skill(text: str) -> None:
    assert names(text) == []


def test_no_stop_phrase_hides_the_name_of_an_entry() -> None:
    """A phrase that is an entry's name is found as that entry already."""
    stopped = [phrase for phrase in taxonomy.stop_phrases() if skills.resolve(phrase)]
    assert stopped == []
