"""The front end's settings, from environment variables. The names are those of the Airflow Variables."""

from __future__ import annotations

from functools import cache
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import PositiveInt, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from frontend.core.identity import ADDRESS
from stock_pipeline.errors import NeedsPersonError

LONDON = ZoneInfo("Europe/London")
PREFIX = "STOCK_"


class SettingsError(NeedsPersonError):
    """A setting is not there or cannot be used; the message names each environment variable at fault."""


class Settings(BaseSettings):
    """Everything the pages need to know of the world. Each field is `STOCK_` and its name in the environment.

    Attributes:
        bucket: the bucket.
        database: the Glue database.
        workgroup: the Athena workgroup.
        queue_url: the SQS queue that is subscribed to the pipeline's topic.
        airflow_url: address of Airflow's API server, unless Airflow is an MWAA environment.
        airflow_page: where people find Airflow's pages, if that is not at `airflow_url`.
        airflow_username: of a user who may trigger runs; without it Airflow must let everybody in.
        airflow_password: theirs.
        mwaa_environment: name of the MWAA environment; instead of `airflow_url`.
        sign_in_allowed: who may use the page once sign-in is configured: addresses (`ann@seller.example`),
            domains (`@seller.example`), or `*` for everybody whom the provider signs in. With commas between.
        published_at: for a container, whose own address says nothing: the address of the host at which its
            port is published. On a loopback address the page works without sign-in.
        upload_session_megabytes: how much the chosen files of one browser tab may have together.
        upload_total_megabytes: how much those of all may have; they are held in memory.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore")

    bucket: str
    database: str
    workgroup: str
    queue_url: str
    airflow_url: str | None = None
    airflow_page: str | None = None
    airflow_username: str | None = None
    airflow_password: SecretStr | None = None
    mwaa_environment: str | None = None
    sign_in_allowed: Annotated[tuple[str, ...], NoDecode] = ()
    published_at: str | None = None
    upload_session_megabytes: PositiveInt = 768
    upload_total_megabytes: PositiveInt = 1024

    @field_validator("sign_in_allowed", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip().lower() for part in value.split(",") if part.strip())
        return value

    @field_validator("sign_in_allowed")
    @classmethod
    def _can_match(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for entry in value:
            if entry != "*" and not ADDRESS.fullmatch(entry if entry[0] != "@" else f"x{entry}"):
                raise ValueError(f"{entry!r} is neither an address, nor a domain like @seller.example, nor *")
        return value

    @model_validator(mode="after")
    def _one_airflow(self) -> Settings:
        if bool(self.airflow_url) == bool(self.mwaa_environment):
            raise ValueError(f"set either {PREFIX}AIRFLOW_URL or {PREFIX}MWAA_ENVIRONMENT")
        return self


@cache
def settings() -> Settings:
    """The settings of this server process.

    Raises:
        SettingsError: an environment variable is missing or cannot be used.
    """
    try:
        return Settings()  # type: ignore[call-arg]  # from the environment
    except ValidationError as error:
        faults = [_fault(dict(entry)) for entry in error.errors()]
        raise SettingsError("The front end's settings cannot be used: " + "; ".join(faults)) from error


def _fault(entry: dict[str, object]) -> str:
    place = entry["loc"]
    message = str(entry["msg"]).removeprefix("Value error, ")
    name = PREFIX + str(place[0]).upper() if isinstance(place, tuple) and place else ""
    if entry["type"] == "missing":
        return f"the environment variable {name} is not set"
    return f"{name}: {message}" if name else message
