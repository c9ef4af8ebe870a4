"""The function of the person hired, from titles and departments."""

import gzip
import json
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from openfunnel.normalize.role import title_role
from openfunnel.normalize.text import fold
from openfunnel.records import RoleFunction


@pytest.mark.parametrize(
    ("title", "function"),
    [
        ("Senior Backend Engineer", "engineering"),
        ("Machine Learning Engineer", "engineering"),
        ("Affiliate Manager", "marketing"),
        ("Lead Entomologist", "research"),
        ("Director of Revenue Cycle Management", "operations"),
        ("Analytics Engineering Intern", "data"),
        ("Analytics Engineering Advocate", "marketing"),
        ("AI Transformation Owner, CRO", "operations"),
        ("Agent de sécurité", "operations"),
        ("Site Reliability Engineer", "engineering"),
        ("Engineering Manager, Sales Tools", "engineering"),
        ("Product Engineer", "engineering"),
        ("Développeur Full-Stack (H/F)", "engineering"),
        ("Softwareentwickler (m/w/d)", "engineering"),
        ("Data Scientist, Risk", "data"),
        ("Analytics Engineer", "data"),
        ("Product Analyst", "data"),
        ("Security Engineer", "security"),
        ("IT Support Specialist", "it"),
        ("Systems Administrator", "it"),
        ("Product Manager, Payments", "product"),
        ("Product Designer", "design"),
        ("Brand Designer, Advertising", "design"),
        ("Research Scientist", "research"),
        ("User Researcher", "research"),
        ("Product Marketing Manager", "marketing"),
        ("Developer Advocate", "marketing"),
        ("Public Relations Manager", "marketing"),
        ("Account Executive, Enterprise", "sales"),
        ("Sales Development Representative", "sales"),
        ("Solutions Engineer", "sales"),
        ("Customer Success Manager", "customer_success"),
        ("Technical Account Manager", "customer_success"),
        ("Implementation Consultant", "customer_success"),
        ("Customer Support Agent", "support"),
        ("Technical Support Engineer", "support"),
        ("Technical Program Manager", "operations"),
        ("Supply Chain Planner", "operations"),
        ("Revenue Operations Analyst", "operations"),
        ("Chief of Staff", "operations"),
        ("Strategic Sourcing Specialist", "operations"),
        ("VP, Corporate Development", "finance"),
        ("Pre-Sales Customer Engineer", "sales"),
        ("SAP Platform Lead", "it"),
        ("Filmmaker", "design"),
        ("Help Desk Product Owner", "product"),
        ("Data Product Manager", "product"),
        ("IT Security Engineer", "security"),
        ("SDR, Growth Markets", "sales"),
        ("SDR Growth Markets", "sales"),
        ("Analyst, Research & Investments", "finance"),
        ("Market Insights Manager", "research"),
        ("Production Lead, Nights", "manufacturing"),
        ("Content Production Lead", "marketing"),
        ("Production Artworker", "design"),
        ("Accountant", "finance"),
        ("FP&A Analyst", "finance"),
        ("Tax Manager", "finance"),
        ("Senior Counsel", "legal"),
        ("Compliance Officer", "legal"),
        ("Head of Public Policy", "legal"),
        ("Technical Recruiter", "people"),
        ("HR Business Partner", "people"),
        ("People Operations Specialist", "people"),
        ("Executive Assistant", "administration"),
        ("Office Manager", "administration"),
        ("Registered Nurse", "healthcare"),
        ("Math Teacher", "education"),
        ("Sales Enablement Trainer", "education"),
        ("CNC Machinist", "manufacturing"),
        ("Store Associate", "retail"),
        ("Astronaut", "other"),
    ],
)
def test_a_title_names_its_function(title: str, function: str) -> None:
    assert title_role(title) == RoleFunction(function)


@pytest.mark.parametrize(
    ("function", "titles"),
    [
        (
            "engineering",
            "Ingénieur logiciel|Développeuse web|Architecte cloud|Entwicklungsingenieur",
        ),
        (
            "engineering",
            "Ingeniera de software|Desarrollador backend|Engenheiro civil|Sviluppatore",
        ),
        ("data", "Data Engineer (F/H)|Científico de datos|Engenheira de dados|Analista de datos"),
        ("security", "Analista de segurança da informação|Especialista en ciberseguridad"),
        ("it", "Systemadministrator|Fachinformatiker Systemintegration|ServiceNow Administrator"),
        ("product", "Chef de produit|Chef(fe) de produit (H/F)|Produktmanager (m/w/d)"),
        ("design", "Diseñadora UX|Diseñador gráfico|Designer de produto"),
        ("research", "Wissenschaftlicher Mitarbeiter|Pesquisador"),
        ("marketing", "Chargée de communication|Redactor de contenidos|Reporter, Local News"),
        (
            "sales",
            "Technico-commercial|Vertriebsmitarbeiter|Ejecutivo de cuentas|Vendedor(a) Externo",
        ),
        ("customer_success", "Responsable relation client|Customer Enablement Manager"),
        ("support", "Conseiller clientèle|Kundenbetreuer|Atención al cliente|Atendente de suporte"),
        ("operations", "Acheteur projet|Projektleiter Bau|Chofer repartidor|Gerente de projetos"),
        (
            "operations",
            "General Manager|Delivery Driver|Security Guard|Inventory Control Specialist",
        ),
        ("finance", "Comptable général|Contrôleur de gestion|Buchhalter|Contador público"),
        ("finance", "Revenue Accountant|Portfolio Manager|Consultant, Tax"),
        ("legal", "Juriste droit social|Rechtsanwalt (m/w/d)|Abogado corporativo|Advogada"),
        ("people", "Chargé de recrutement (H/F)|Personalreferent|Reclutador TI|Recrutador"),
        ("administration", "Assistant administratif|Assistenz der Geschäftsführung|Title Clerk"),
        ("healthcare", "Infirmière|Krankenpfleger|Enfermera|Enfermeiro|Optometrist|Home Care Aide"),
        ("education", "Lehrer (m/w/d)|Profesor de matemáticas|Assistant Principal, Grade 5"),
        ("manufacturing", "Elektroniker|Eletricista|Operario de producción|Auto Body Technician"),
        ("retail", "Verkäufer (m/w/d)|Keyholder - Some Mall|Part Time Floor Leader|Head Chef"),
        ("other", "General Application|Banco de Talentos|Future Opportunities|Старший инженер"),
    ],
)
def test_a_title_may_be_of_any_trade_and_language(function: str, titles: str) -> None:
    for title in titles.split("|"):
        assert title_role(title) == RoleFunction(function), title


def test_letters_that_look_latin_are_read_as_such() -> None:
    assert title_role("Rесruitеr") is RoleFunction.PEOPLE  # Cyrillic letters
    assert title_role("𝗥𝗲𝗰𝗿𝘂𝗶𝘁𝗲𝗿") is RoleFunction.PEOPLE


def test_a_vague_word_counts_only_where_no_other_does() -> None:
    assert title_role("Consultant") is RoleFunction.OPERATIONS
    assert title_role("Consultant", ("Finance",)) is RoleFunction.FINANCE
    assert title_role("Coordinator, Marketing") is RoleFunction.MARKETING


@pytest.mark.parametrize("name", ["role_function", "vague_words", "seniority"])
def test_every_expression_is_written_as_folded_titles_are(name: str) -> None:
    table = files("openfunnel.normalize") / "titles" / f"{name}.tsv"
    for line in table.read_text("utf-8").splitlines():
        if line and not line.startswith("#"):
            _, pattern = line.split("\t")
            letters = pattern.replace("’", "'")
            assert fold(letters) == letters.lower().strip(), line


def test_most_titles_of_real_boards_have_a_function(shared: Path) -> None:
    known = total = 0
    for path in sorted((shared / "corpus" / "listings" / "greenhouse").glob("*.json.gz"))[::5]:
        for job in json.loads(gzip.decompress(path.read_bytes()))["jobs"]:
            total += 1
            known += title_role(job["title"]) is not RoleFunction.OTHER
    assert total > 1_000
    assert known / total >= 0.93


@pytest.mark.parametrize("unit", ["manager ", "(", "a(", " - ", "1 2", "Sе"])
def test_two_megabytes_of_anything_are_read_in_part(unit: str) -> None:
    long = unit * (2_000_000 // len(unit))
    assert title_role(long, [long] * 1_000) in RoleFunction


def test_the_department_helps_where_the_title_says_nothing() -> None:
    assert title_role("Wizard II", ("Finance",)) is RoleFunction.FINANCE
    assert title_role("Wizard II", ("Magic", "Legal")) is RoleFunction.LEGAL
    assert title_role("Wizard II") is RoleFunction.OTHER


def test_the_title_wins_over_the_department() -> None:
    assert title_role("Recruiter", ("Engineering",)) is RoleFunction.PEOPLE


@given(st.text(max_size=2000), st.lists(st.text(max_size=50), max_size=3))
def test_any_text_has_a_function(title: str, departments: list[str]) -> None:
    assert title_role(title, departments) in RoleFunction
