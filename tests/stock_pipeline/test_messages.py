"""No message is larger than SNS takes, and none loses what matters."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import boto3
import pytest
from airflow.providers.amazon.aws.hooks.sns import _build_publish_kwargs
from hypothesis import given
from hypothesis import strategies as st

from local_aws.environment import client_arguments
from local_aws.server import LocalAws
from stock_airflow.telling import for_sns
from stock_pipeline.daily_summary.summary import FeedOutcome, RunSummary, UnrecognisedFile
from stock_pipeline.feeds.checks import Others, _same_content
from stock_pipeline.messages import MOST_BYTES, Event, Message, listed, published_bytes, shortened, to_look_at
from stock_pipeline.refresh.report import RefreshSummary
from stock_pipeline.verdicts import Verdict

DAY = date(2026, 10, 2)
SNS_LIMIT = 262_144


def message(text: str, **fields: Any) -> Message:
    return Message(
        **{
            "event": Event.RUN_FINISHED,
            "run_date": DAY,
            "subject": "daily_stock",
            "status": "failed",
            **fields,
        },
        text=text,
    )


def sent_bytes(sns: dict[str, str]) -> int:
    """What of SNS's limit is taken, of what Airflow's hook really sends."""
    sent = _build_publish_kwargs("arn:x", sns["message"], message_attributes={"event": sns["event"]})
    attributes: Any = sent["MessageAttributes"]
    parts = [str(sent["Message"])]
    for name, value in attributes.items():
        parts += [name, value["DataType"], value["StringValue"]]
    return sum(len(part.encode()) for part in parts)


LONG = {
    "ascii": "a" * 400_000,
    "just below": "a" * (MOST_BYTES - 2_000),
    "quotation marks": '"' * 200_000,
    "control characters": "\x01" * 200_000,
    "accents": "é" * 200_000,
    "Chinese": "库存" * 100_000,
    "emoji": "🚗" * 100_000,
    "mixed": 'KYB "Ü" 库存 🚗\n\\' * 30_000,
}


@pytest.mark.parametrize("text", LONG.values(), ids=LONG)
def test_a_text_of_any_kind_is_cut_to_what_sns_takes(text: str) -> None:
    sns = for_sns(message(text, report="s3://bucket/summary.json", counts={"held": 3}))
    assert sent_bytes(sns) <= MOST_BYTES < SNS_LIMIT
    read = Message.model_validate_json(sns["message"])
    kept, _, end = read.text.partition(" … (cut here")
    assert text.startswith(kept)
    assert read.report == "s3://bucket/summary.json"
    assert read.counts == {"held": 3}
    if end:  # cut, and by no more than it had to be
        assert sent_bytes(sns) > MOST_BYTES - 30


@given(
    st.text(max_size=200),
    st.integers(1, 5_000),
    st.dictionaries(st.text(max_size=50), st.integers(), max_size=20),
)
def test_whatever_is_in_it_a_message_fits_and_is_json(text: str, times: int, counts: dict[str, int]) -> None:
    sns = for_sns(message(text * times, counts=counts))
    assert sent_bytes(sns) <= MOST_BYTES
    assert json.loads(sns["message"])["counts"] == counts


def test_a_message_that_fits_is_sent_as_it_is() -> None:
    told = message("Stock of 2026-10-02: feeds 16 accepted", counts={"accepted": 16})
    assert told.to_json() == told.model_dump_json()


@pytest.mark.parametrize(
    "fields",
    [
        {"counts": {f"store {number}": number for number in range(30_000)}},
        {"report": "s3://" + "x" * 300_000},
        {"subject": "x" * 300_000},
        {"status": "ü" * 300_000},
    ],
    ids=lambda fields: next(iter(fields)),
)
def test_what_is_beside_the_text_cannot_break_the_limit(fields: dict[str, Any]) -> None:
    sns = for_sns(message("a short text", **fields))
    assert sent_bytes(sns) <= MOST_BYTES
    assert Message.model_validate_json(sns["message"]).text.startswith("a short text")


def test_the_size_is_that_of_what_airflow_sends() -> None:
    sns = for_sns(message('KYB "Ü" 🚗'))
    assert published_bytes(sns["message"], {"event": sns["event"]}) == sent_bytes(sns)


def test_the_local_sns_takes_what_is_cut_and_refuses_what_is_not(local_aws: LocalAws) -> None:
    sns = boto3.client("sns", **client_arguments(local_aws.endpoint_url))
    topic = sns.create_topic(Name="limits")["TopicArn"]
    long = message("🚗" * 100_000)
    fitting = for_sns(long)
    sns.publish(
        **_build_publish_kwargs(topic, fitting["message"], message_attributes={"event": fitting["event"]})
    )
    with pytest.raises(sns.exceptions.InvalidParameterException, match="Message too long"):
        sns.publish(**_build_publish_kwargs(topic, long.model_dump_json()))


@pytest.mark.parametrize(
    ("count", "last"),
    [(0, None), (1, "name 0"), (20, "name 19"), (21, "name 20"), (22, "and 2 more, in the report"),
     (1500, "and 1,480 more, in the report")],
)  # fmt: skip
def test_long_lists_are_cut(count: int, last: str | None) -> None:
    names = [f"name {number}" for number in range(count)]
    short = shortened(names)
    assert (short[-1] if short else None) == last
    assert len(short) <= 21
    assert shortened(short) == short
    assert listed(names, "; ") == "; ".join(short)


def test_nothing_to_look_at_is_no_sentence() -> None:
    assert to_look_at([]) == ""
    assert to_look_at(["a", "b"]) == ". To look at: a; b"


def test_stray_files_push_nothing_else_out_of_the_message() -> None:
    summary = RunSummary(
        run_date=DAY,
        run_id="manual",
        feeds=[FeedOutcome(supplier="KYB", verdict=Verdict.HELD, reason="it is held")],
        unrecognised=[
            UnrecognisedFile(name=f"stray {number}.xlsx", reason="of no supplier", quarantined="q")
            for number in range(1500)
        ],
        failed_tasks=["audit"],
    )
    text = summary.message("s3://bucket/summary.json").text
    for words in (
        "KYB: it is held",
        "task audit failed",
        "was not published",
        "stray 0.xlsx",
        "1,483 more, in the report",
    ):
        assert words in text
    assert "stray 1499.xlsx" not in text
    assert len(summary.concerns) == 1503


def test_stray_files_push_nothing_else_out_of_a_refresh_s_message() -> None:
    summary = RefreshSummary(
        dag_id="weekly_store",
        run_date=DAY,
        run_id="manual",
        refreshes=[],
        not_read={f"stray {number}.csv": "the name begins with no store" for number in range(1500)},
        missing=["AMS"],
        failed_tasks=["store.audit of OR"],
        looked_for="store_feed/",
    )
    text = summary.message("s3://bucket/summary.json").text
    for words in (
        "AMS: no file",
        "task store.audit of OR failed",
        "stray 0.csv",
        "1,482 more, in the report",
    ):
        assert words in text
    assert len(text) < 3_000


def test_a_file_under_a_thousand_names_is_told_of_in_one_sentence() -> None:
    class Snapshot:
        matched = 0

    names = [f"APE_{number}.xlsx of {DAY}" for number in range(1500)]
    check = _same_content(Snapshot(), Others({}, names))  # type: ignore[arg-type]
    assert check.text.endswith("and 1,480 more, in the report")
    assert check.value == 1500
