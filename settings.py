"""Define all settings and read them from `REACH_…` environment variables.

Importing this module reads nothing; a command calls `load_settings()` once and passes the values on.
Every variable is described in `.env.example` (a test keeps the two equal).
"""

import hashlib
import json
import os
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.paths import Paths

ROOT = Path(__file__).resolve().parent

SERVICE_SETTINGS = (
    *("data", "online_store", "redis", "redis_password", "kafka_bootstrap_servers"),
    *("service_port", "service_workers", "api_keys", "rate_limit_per_second"),
    *("outbox_url", "unsubscribe_key", "contact_policy", "exclude_restricted"),
)
"""Settings that the recommendation service reads once, when it starts: a change needs a restart."""

MAIL_SINK_SETTINGS = ("smtp_url", "smtp_from", "unsubscribe_url", "unsubscribe_key")
"""Settings that `make demo` writes to `Paths.mail_sink`. They apply to the demo's data if none of them is set."""


RENAMED = {
    "REACH_EVENTS_KAFKA": "REACH_KAFKA_BOOTSTRAP_SERVERS",
    "REACH_SERVICE_KEY": "REACH_CLIENT_API_KEY",
    "REACH_RATE_LIMIT": "REACH_RATE_LIMIT_PER_SECOND",
}
"""Former names of settings and their present names; setting a former name is an error that gives the present one."""


class SettingsError(ValueError):
    """A `REACH_…` variable is unknown or holds a value that cannot be used."""


PATTERN_CHARACTERS = "*?["
"""Characters that DuckDB reads in a path as a pattern of file names."""

FIRST_DAY, LAST_DAY = date(1900, 1, 1), date(2999, 12, 31)
"""The first and last possible day of a run, so that time zones and look-ahead windows stay within the calendar."""


class Settings(BaseSettings):
    """The configuration of one Reach installation."""

    model_config = SettingsConfigDict(env_prefix="REACH_", frozen=True, extra="forbid", env_ignore_empty=True)

    data: Path = Field(ROOT / "data", description="Folder for everything Reach writes.")
    landing: Path | None = Field(None, description="Folder with your own tables; unset: the demo's data.")
    timezone: str = Field("America/New_York", description="The shop's time zone: where a day begins.")
    as_of: date | None = Field(
        None, description="A run uses only rows known before this day; unset: the day after the newest row."
    )
    earliest_day: date = Field(
        date(1990, 1, 1),
        description="Dates before this day are refused: years of two digits, 1900 or 1970 as 'unknown'.",
    )
    max_customers: int | None = Field(
        None, ge=1, description="Keep only this many customers (the first by id): for quick trials and tests."
    )
    snapshots: int = Field(21, ge=5, description="How many points in time the feature tables hold.")
    snapshot_weeks: int = Field(2, ge=1, le=4, description="Weeks between two points in time.")
    online_store: Literal["sqlite", "redis"] = Field("sqlite", description="Feast's online store.")
    redis: str = Field("localhost:6379", description="Redis as host:port, if the online store is Redis.")
    redis_password: SecretStr | None = Field(None, description="Redis' password, if it asks for one.")
    kafka_bootstrap_servers: str | None = Field(
        None, description="Kafka's bootstrap servers, as host:port,host:port, if events and decisions go there."
    )
    airflow_port: int = Field(8080, ge=1, le=65535, description="Airflow's UI and API, on loopback.")
    service_port: int = Field(3000, ge=1, le=65535, description="The recommendation service, on loopback.")
    mail_smtp_port: int = Field(1025, ge=1, le=65535, description="SMTP of the demo's mail sink, on loopback.")
    mail_page_port: int = Field(8025, ge=1, le=65535, description="The page of the demo's mail sink, on loopback.")
    service_workers: int = Field(1, ge=1, le=64, description="Processes of the service; each holds the bundle.")
    api_keys: str | None = Field(
        None, description="Hashes of API keys the service accepts: '.venv/bin/python -m serving hash-key' prints them."
    )
    rate_limit_per_second: float = Field(
        100.0, gt=0, description="Requests per second that one API key may send to one worker."
    )
    client_api_key: SecretStr | None = Field(
        None, description="The API key with which Reach's own commands ask the service; scope recommend."
    )
    quality_thresholds: Path | None = Field(
        None, description="A file in TOML with your own severities and limits of the checks; see docs/checks.md."
    )
    monitoring_policy: Path | None = Field(
        None, description="A file in TOML with your own limits of alarms; see docs/monitoring.md."
    )
    models_config: Path | None = Field(
        None,
        description="A file in TOML with what differs from ml/config.toml, such as ml/quick.toml for short trainings.",
    )
    marketing_policy: Path | None = Field(
        None,
        description="A file in TOML with the purposes of sensitive inferences about customers; see docs/customers.md. "
        "Unset, nothing sensitive is inferred, except from the demo's data.",
    )
    campaigns: Path | None = Field(
        None, description="The folder of campaigns, one TOML file each; unset: `campaigns` in the data directory."
    )
    experiments: Path | None = Field(
        None, description="The folder of experiments, one TOML file each; unset: `experiments` in the data directory."
    )
    contact_policy: Path | None = Field(
        None,
        description="A file in TOML with your caps, quiet hours and age-restricted products; see docs/campaigns.md.",
    )
    exclude_restricted: bool = Field(
        True,
        description="Whether the service and the lists of `make recommend` leave age-restricted products out; see "
        "docs/serving.md.",
    )
    memory: str = Field(
        "20%",
        pattern=r"^[1-9][0-9]*(%|[KMGT]i?B)$",
        description="Memory for DuckDB: a share of the machine's, such as 20%, or an amount, such as 4GB. Unless it is "
        "changed, the warehouse takes 20%, landing 512MB and the checks 25%.",
    )
    features_schedule: str | None = Field(
        None, description="When build_features starts by itself, as a cron expression in the shop's time zone."
    )
    alerts: SecretStr | None = Field(
        None,
        description="Addresses, in apprise's form and separated by spaces, that get a message about a failed task.",
    )
    outbox_url: SecretStr | None = Field(
        None,
        description="The database of the outbox, such as postgresql://user:password@host/outbox. Unset: an SQLite "
        "file in the data directory.",
    )
    smtp_url: SecretStr | None = Field(
        None, description="The mail server, such as smtp+starttls://user:password@mail.example:587."
    )
    smtp_from: str | None = Field(None, description="The sender of e-mails, such as 'Shop <news@shop.example>'.")
    webhook_url: SecretStr | None = Field(None, description="Where messages with delivery 'webhook' are posted.")
    webhook_secret: SecretStr | None = Field(
        None, description="Signs webhooks as Standard Webhooks describes: 'whsec_' and Base64 of at least 24 bytes."
    )
    unsubscribe_url: str | None = Field(
        None, description="The address of one-click unsubscription, such as https://shop.example/unsubscribe."
    )
    unsubscribe_key: SecretStr | None = Field(
        None, description="Signs unsubscribe links: at least 32 bytes. With another key, links already sent fail."
    )
    send_rate_per_second: float = Field(10.0, gt=0, description="Messages per second of one sender.")
    send_connections: int = Field(1, ge=1, le=64, description="Messages that one sender delivers at the same time.")
    resend_in_doubt: bool = Field(
        False, description="Whether messages that may have arrived are sent again, with the same Message-ID."
    )
    console_port: int = Field(3002, ge=1, le=65535, description="The console, on loopback.")
    console_users: SecretStr | None = Field(
        None,
        description="Users of the console: '.venv/bin/python -m console hash-password' prints an entry with its role.",
    )
    console_key: SecretStr | None = Field(
        None, description="Signs the console's sessions: at least 32 characters. Another key logs everybody out."
    )
    console_hosts: str = Field(
        "", description="Host names, separated by spaces, under which a proxy makes the console reachable."
    )
    seed: int = Field(7, ge=0, description="Seed of everything random.")

    @field_validator("timezone")
    @classmethod
    def _known_timezone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (KeyError, ValueError) as error:
            raise ValueError(f"'{value}' is not a time zone of the IANA database, such as 'Europe/Berlin'") from error
        return value

    @field_validator("features_schedule")
    @classmethod
    def _cron(cls, value: str | None) -> str | None:
        # Imported here, because only a few programs read a schedule.
        from croniter import croniter

        if value is not None and (len(value.split()) != 5 or not croniter.is_valid(value)):
            raise ValueError(
                f"'{value}' is not a cron expression of five fields, such as '30 5 * * *' for 5:30 each day"
            )
        return value

    @field_validator(
        *("data", "landing", "quality_thresholds", "monitoring_policy", "marketing_policy", "campaigns", "experiments"),
        "contact_policy",
    )
    @classmethod
    def _absolute(cls, value: Path | None) -> Path | None:
        if value is None:
            return None
        path = value.expanduser().resolve()
        if found := sorted(set(PATTERN_CHARACTERS) & set(str(path))):
            raise ValueError(
                f"the path {path} holds {' and '.join(found)}, which DuckDB reads as a pattern, so other files would "
                "be read. Rename the folder"
            )
        return path

    @field_validator("as_of")
    @classmethod
    def _possible_day(cls, value: date | None) -> date | None:
        if value is not None and not FIRST_DAY <= value <= LAST_DAY:
            raise ValueError(f"{value} is not a day that a run can have; choose one from {FIRST_DAY} to {LAST_DAY}")
        return value

    @property
    def of_mail_sink(self) -> dict[str, str] | None:
        """The values of MAIL_SINK_SETTINGS that `make demo` wrote, none before it; None if the mail sink is not used.

        It is used with the demo's data only, and only if none of these settings has another value.
        """
        try:
            written = json.loads(self.paths.mail_sink.read_text())
        except FileNotFoundError:
            written = {}
        except (OSError, ValueError) as error:
            raise SettingsError(
                f"{self.paths.mail_sink} cannot be read ({error}). Delete it; 'make demo' writes it again."
            ) from error
        own = {name: plain(value) for name in MAIL_SINK_SETTINGS if (value := getattr(self, name)) is not None}
        is_used = self.landing is None and all(written.get(name) == value for name, value in own.items())
        return written if is_used else None

    def duckdb_memory(self, default: str) -> str:
        """Return the memory limit of a DuckDB connection: REACH_MEMORY if it was changed, else `default`."""
        return default if self.memory == type(self).model_fields["memory"].default else self.memory

    @property
    def paths(self) -> Paths:
        """The paths below the data directory."""
        return Paths(self.data)

    @property
    def campaigns_folder(self) -> Path:
        """The folder of campaigns."""
        return self.campaigns or self.data / "campaigns"

    @property
    def experiments_folder(self) -> Path:
        """The folder of the files that define experiments."""
        return self.experiments or self.data / "experiments"

    def start_of_day(self, day: date) -> datetime:
        """Return the UTC instant at which `day` begins in the shop's time zone; naive, as all our timestamps."""
        local = datetime.combine(day, time.min, ZoneInfo(self.timezone))
        return local.astimezone(UTC).replace(tzinfo=None)

    def snapshot_instants(self, as_of: date) -> list[datetime]:
        """Return the points in time of the feature tables as UTC instants, newest (`as_of` itself) first."""
        step = timedelta(weeks=self.snapshot_weeks)
        return [self.start_of_day(as_of - k * step) for k in range(self.snapshots)]


def load_settings() -> Settings:
    """Read the settings from the environment.

    Raises:
        SettingsError: A value cannot be used, or a `REACH_…` name is unknown, which is usually a misspelling.
    """
    known = {f"REACH_{name}".upper() for name in Settings.model_fields}
    for old, new in RENAMED.items():
        if os.environ.get(old):
            raise SettingsError(f"{old} is now called {new}. Rename it where you set it, such as in .env.")
    unknown = sorted(name for name in os.environ if name.startswith("REACH_") and name not in known | set(RENAMED))
    if unknown:
        raise SettingsError(f"Unknown setting {', '.join(unknown)}. Known settings: {', '.join(sorted(known))}.")
    try:
        settings = Settings()
    except ValueError as error:
        raise SettingsError(f"A REACH_ setting cannot be used: {error}") from error
    return with_mail_sink(settings)


def with_mail_sink(settings: Settings) -> Settings:
    """Return the settings with those of the demo's mail sink, if it is used.

    Raises:
        SettingsError: The file of the mail sink cannot be read.
    """
    values = settings.of_mail_sink
    try:
        return Settings.model_validate({**settings.model_dump(), **values}) if values else settings
    except ValueError as error:
        # The text of the error may hold the key.
        file = settings.paths.mail_sink
        raise SettingsError(
            f"{file} holds no settings of a mail sink. Delete it; 'make demo' writes it again."
        ) from error


def plain(value: object) -> Any:
    """Return the value of a setting, also of a secret one."""
    return value.get_secret_value() if isinstance(value, SecretStr) else value


def settings_fingerprint(settings: Settings) -> str:
    """Return a fingerprint of SERVICE_SETTINGS: `/readyz` shows that of the running service.

    If it differs from the fingerprint of the present settings, a change takes effect only after a restart. It is public
    and covers secrets, so it is made by scrypt: trying passwords against it is slow.
    """
    values = {name: plain(getattr(settings, name)) for name in SERVICE_SETTINGS}
    text = json.dumps(values, default=str, sort_keys=True)
    return hashlib.scrypt(text.encode(), salt=b"reach settings", n=2**14, r=8, p=1, dklen=16).hex()
