"""Settings: the only reader of the environment.

`Settings.load()` is called once per process, at its entry point; everything else is handed the
frozen object. Every variable is optional and named in `README.md`.
"""

import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SecretStr,
    ValidationError,
    field_validator,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from openfunnel.errors import InvalidSetting

PROJECT_ROOT = Path(__file__).resolve().parent.parent
"""The folder that holds `scrapy.cfg`."""

DEFAULT_MODEL = "qwen3:4b-instruct"
"""A small instruct model that follows a JSON schema and runs in 8 GB of memory."""


ExtractorName = Literal["auto", "rules", "ollama", "openai"]

SOURCE_URL = re.compile(r"OPENFUNNEL_(?!OPENAI_)([A-Z0-9_]+)_URL")


class Settings(BaseSettings):
    """What an operator can set; field names are the variables' names in lower case."""

    model_config = SettingsConfigDict(
        env_prefix="OPENFUNNEL_", env_ignore_empty=True, frozen=True, extra="ignore"
    )

    home: Path = PROJECT_ROOT / ".openfunnel"
    database_url: str | None = Field(default=None, validation_alias="DATABASE_URL")
    redis_url: str | None = Field(default=None, validation_alias="REDIS_URL")
    ollama_host: str = Field(default="http://127.0.0.1:11434", validation_alias="OLLAMA_HOST")
    ollama_key: SecretStr | None = Field(default=None, validation_alias="OLLAMA_API_KEY")

    extractor: ExtractorName = "auto"
    model: str = DEFAULT_MODEL
    model_large: str | None = None
    """Asked where the first model's answer is unusable, or not to be trusted."""
    openai_url: str | None = None
    """Base of an OpenAI-compatible API, such as http://127.0.0.1:8080/v1."""
    openai_key: SecretStr | None = None
    on_model_failure: Literal["rules", "dead"] = "rules"
    """What becomes of a posting about which no model says anything usable that can be trusted."""
    min_confidence: Annotated[float, Field(ge=0, le=1)] = 0.5
    """An answer below it is not trusted; the large model is asked, if there is one."""
    prompt_tokens: PositiveInt = 900
    """Of a posting, so many tokens at most are shown to a model; of most, fewer than half of it."""
    answer_seconds: PositiveFloat = 900.0
    """A small model on a laptop's CPU takes minutes, and waits behind other requests."""
    triage_model: str | None = None
    """Asked first, and for little, whether a posting passes the three filters below."""
    triage_roles: Annotated[frozenset[str], NoDecode] = frozenset()
    """Only postings of these role functions go to a model; others are left to the rules."""
    triage_countries: Annotated[frozenset[str], NoDecode] = frozenset()
    """Likewise; ISO 3166-1 alpha-2. What names no country passes."""
    triage_languages: Annotated[frozenset[str], NoDecode] = frozenset()
    """Likewise; ISO 639-1."""
    lease_seconds: PositiveFloat = 60.0
    host_rate: NonNegativeFloat = 2.0
    """Requests per second to one host over all crawler processes; 0: no limit."""
    host_rates: Annotated[Mapping[str, NonNegativeFloat], NoDecode] = Field(default_factory=dict)
    """`host=rate,...`: ceilings of single hosts (`api.lever.co=1`) that `host_rate` is not for."""
    proxies: Annotated[tuple[str, ...], NoDecode] = ()
    """Proxies to send the crawl through in turn: `http://[user:password@]host:port,...`."""
    frontier: Literal["leased", "stock"] = "leased"
    """`stock`: scrapy-redis' own scheduler, queue and dupefilter, to compare with."""
    user_agents: str = "OpenFunnel/0.1 (+https://github.com/openfunnel/openfunnel)"
    """User-Agents to rotate over, separated by `|` (they hold commas themselves)."""

    api_keys: Annotated[frozenset[str], NoDecode] = frozenset()
    admin_keys: Annotated[frozenset[str], NoDecode] = frozenset()

    source_urls: Annotated[dict[str, str], NoDecode] = Field(default_factory=dict, exclude=True)
    """`OPENFUNNEL_<NAME>_URL` by lower-case name: another base for that source's API."""

    @field_validator("home")
    @classmethod
    def _absolute(cls, home: Path) -> Path:
        return home.expanduser().resolve()

    @field_validator("api_keys", "admin_keys", mode="before")
    @classmethod
    def _split_keys(cls, keys: object) -> object:
        if not isinstance(keys, str):
            return keys
        split = frozenset(key.strip() for key in keys.split(",") if key.strip())
        if not split:  # no key at all would leave open what somebody meant to close
            raise ValueError("it names no key")
        return split

    @field_validator("triage_roles", "triage_countries", "triage_languages", mode="before")
    @classmethod
    def _split_words(cls, words: object) -> object:
        if not isinstance(words, str):
            return words
        return frozenset(word.strip() for word in words.split(",") if word.strip())

    @field_validator("triage_countries")
    @classmethod
    def _check_countries(cls, countries: frozenset[str]) -> frozenset[str]:
        if wrong := sorted(one for one in countries if not re.fullmatch(r"[A-Za-z]{2}", one)):
            raise ValueError(f"{wrong[0]!r} is no country code of two letters")
        return frozenset(country.upper() for country in countries)

    @field_validator("triage_languages")
    @classmethod
    def _check_languages(cls, languages: frozenset[str]) -> frozenset[str]:
        if wrong := sorted(one for one in languages if not re.fullmatch(r"[A-Za-z]{2}", one)):
            raise ValueError(f"{wrong[0]!r} is no language code of two letters")
        return frozenset(language.lower() for language in languages)

    @field_validator("openai_url")
    @classmethod
    def _check_openai_url(cls, url: str | None) -> str | None:
        if url is not None and not re.match(r"https?://[^/]", url):
            raise ValueError("it is no http or https URL")
        return url and url.rstrip("/")

    @field_validator("host_rates", mode="before")
    @classmethod
    def _split_rates(cls, rates: object) -> object:
        if not isinstance(rates, str):
            return rates
        pairs = [pair.rpartition("=") for pair in rates.split(",") if pair.strip()]
        if not all(host.strip() and equals for host, equals, _ in pairs):
            raise ValueError("it is no list of host=rate")
        return {host.strip().lower(): rate for host, _, rate in pairs}

    @field_validator("proxies", mode="before")
    @classmethod
    def _split_proxies(cls, proxies: object) -> object:
        if not isinstance(proxies, str):
            return proxies
        split = tuple(proxy.strip() for proxy in proxies.split(",") if proxy.strip())
        for proxy in split:
            parts = urlsplit(proxy)
            if parts.scheme != "http" or not parts.hostname:
                raise ValueError("a proxy is http://host:port")  # never quoted: it may hold a login
        return split

    @field_validator("ollama_host")
    @classmethod
    def _check_host(cls, host: str) -> str:
        try:
            port = urlsplit(host if "://" in host else f"//{host}").port
        except ValueError:
            port = 0
        if port == 0:
            raise ValueError("it is no host, host:port or URL")
        return host

    @field_validator("source_urls")
    @classmethod
    def _check_urls(cls, urls: dict[str, str]) -> dict[str, str]:
        for name, url in urls.items():
            if not re.match(r"https?://[^/]", url):
                raise InvalidSetting(
                    name=f"OPENFUNNEL_{name.upper()}_URL", problem="it is no http or https URL"
                )
        return urls

    @classmethod
    def load(cls, environ: Mapping[str, str] | None = None, **overrides: Any) -> Self:
        """Read the environment once; `overrides` (by field name) win over it.

        Raises:
            InvalidSetting: a variable holds a value of the wrong kind.
        """
        environ = os.environ if environ is None else environ
        urls = {
            match[1].lower(): value.rstrip("/")
            for name, value in environ.items()
            if value and (match := SOURCE_URL.fullmatch(name))
        }
        try:
            return cls(**{"source_urls": urls, **_aliased(overrides)})
        except ValidationError as error:
            first = error.errors()[0]
            field = str(first["loc"][0])
            name = field if field.isupper() else f"OPENFUNNEL_{field.upper()}"
            problem = first["msg"].removeprefix("Value error, ")
            raise InvalidSetting(name=name, problem=problem) from None

    @property
    def taxonomy_folder(self) -> Path:
        """Technologies and skills that the operator added to those that are shipped."""
        return self.home / "taxonomy"

    def base_url(self, name: str, default: str) -> str:
        """Base of the API called `name` (`greenhouse`, `lever_eu`), without a final slash."""
        return self.source_urls.get(name, default).rstrip("/")


def _aliased(overrides: dict[str, Any]) -> dict[str, Any]:
    fields = Settings.model_fields
    return {str(fields[name].validation_alias or name): value for name, value in overrides.items()}
