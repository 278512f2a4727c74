"""The page Report, to which the button in Airflow leads."""

from __future__ import annotations

import pytest
from streamlit.testing.v1 import AppTest

from stock_pipeline.lake.locations import run_page_key
from tests.support.pages.day import DAY, set_environment
from tests.support.runs.stack import Stack

DRY_RUN = "manual__2024-08-08T05:00:00+00:00"


def draw() -> None:
    from frontend.report import page

    page.page()


@pytest.fixture
def app(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> AppTest:
    set_environment(monkeypatch, stack.endpoint, stack.bucket, stack.database, stack.queue_url)
    app = AppTest.from_function(draw, default_timeout=60)
    app.query_params["day"] = str(DAY)
    return app


def shown(app: AppTest) -> list[str]:
    """What is in the frames of the page."""
    app.run()
    assert not app.exception
    return [str(frame.proto.srcdoc) for frame in app.get("iframe")]


def test_the_report_of_the_day_is_shown_as_the_run_wrote_it(app: AppTest, stack: Stack) -> None:
    stack.put(run_page_key(DAY), b"<p>what happened</p>")
    stack.put(run_page_key(DAY, DRY_RUN), b"<p>what would</p>")
    assert shown(app) == ["<p>what happened</p>"]
    app.query_params["run"] = DRY_RUN
    assert shown(app) == ["<p>what would</p>"]


@pytest.mark.parametrize("run", [None, "another", "../../../../product"])
def test_without_a_report_the_page_says_so(app: AppTest, stack: Stack, run: str | None) -> None:
    stack.s3.delete_object(Bucket=stack.bucket, Key=run_page_key(DAY))
    if run:
        app.query_params["run"] = run
    assert shown(app) == []
    assert any("There is no report" in info.value for info in app.info)
