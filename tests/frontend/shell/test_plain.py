"""What others typed is shown as text: in every way of drawing it, and by all code of the pages."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

import frontend
from frontend.shell.plain import Markdown, link, plain
from local_aws.background import BackgroundServer
from tests.support.pages import gallery
from tests.support.pages.browser import browser, free_port
from tests.support.pages.gallery import TEXTS
from tests.support.pages.markdown_calls import unsafe
from tests.support.waiting import SECONDS

PAGES = Path(frontend.__file__).parent
HELPER = PAGES / "shell" / "plain.py"
GALLERY = Path(gallery.__file__)

WAYS = {
    "stAlertContainer": 3,
    "stCaptionContainer": 1,
    "stButton": 1,
    "stHeading": 1,
    "stMetricLabel": 1,
    "stMetricValue": 1,
    "stProgress": 1,
    "stExpander": 1,
}
"""What the gallery draws, as Streamlit calls it in the page, and how often for each text."""


def words(text: str) -> str:
    """A text without regard to how blanks and lines in it are drawn, and without an expander's arrow."""
    return " ".join(text.split()).removeprefix("keyboard_arrow_right ")


@pytest.mark.timeout(300)
def test_hostile_text_is_seen_as_it_was_typed_and_nothing_is_fetched_for_it(tmp_path: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "streamlit", "run", str(GALLERY), "--server.port", str(port)]
    server = BackgroundServer(
        name="gallery",
        directory=tmp_path,
        command=[*command, "--server.headless", "true", "--browser.gatherUsageStats", "false"],
        environment={},
        answers=lambda: _answers(address),
    )
    server.launch()
    try:
        server.wait()
        with browser() as chromium:
            page = chromium.new_page()
            asked: list[str] = []
            alerts: list[str] = []
            page.on("request", lambda request: asked.append(request.url))
            page.on("dialog", lambda dialog: alerts.append(dialog.message))
            page.goto(address)
            expect(page.get_by_text("All is drawn.")).to_be_visible(timeout=SECONDS * 1000)
            main = page.get_by_test_id("stMain")
            for way, count in WAYS.items():
                expect(main.get_by_test_id(way)).to_have_count(len(TEXTS) * count)
                shown = [words(text) for text in main.get_by_test_id(way).all_inner_texts()]
                wanted = [words(text) for text in TEXTS]
                for at, text in enumerate(wanted):
                    assert text in shown, (way, text, shown[at])
            # A data frame has its own cells, for readers of the screen, once it is drawn.
            cells_of_table = main.get_by_test_id("stTable").locator("td")
            expect(cells_of_table).to_have_count(len(TEXTS) * 2)
            cells = [words(text) for text in cells_of_table.all_inner_texts()]
            assert cells == [words(text) for text in TEXTS for _ in range(2)]
            assert main.locator("img").count() == 0
            links = main.locator("a").evaluate_all("all => all.map(one => one.getAttribute('href'))")
            assert [place for place in links if not place.startswith("#")] == []
            for button in main.get_by_test_id("stButton").all()[:3]:
                button.hover()
            assert [url for url in asked if not url.startswith((address, "data:", "blob:"))] == []
            assert alerts == []
    finally:
        server.stop()


def _answers(address: str) -> bool:
    import httpx

    try:
        return httpx.get(f"{address}/_stcore/health", timeout=5).is_success
    except httpx.HTTPError:
        return False


@pytest.mark.parametrize(
    ("label", "address", "made"),
    [
        ("see [it]", "http://x.example/a", r"[see \[it\]](<http://x.example/a>)"),
        ("run", "https://x.example/(a) <b>\n", "[run](<https://x.example/%28a%29%20%3Cb%3E%0A>)"),
        ("run", "javascript:alert(1)", "run"),
        ("run", "data:text/html,x", "run"),
        ("run", "", "run"),
    ],
)
def test_a_link_leads_to_a_web_page_or_nowhere(label: str, address: str, made: str) -> None:
    assert link(label, address) == made


def test_what_is_markdown_already_is_left_as_it_is() -> None:
    assert plain(Markdown("**ours**")) == "**ours**"
    assert plain(plain("*")) == plain("*") == r"\*"


@pytest.mark.parametrize("module", sorted(PAGES.rglob("*.py")), ids=lambda path: path.stem)
def test_no_page_draws_text_that_was_not_made_plain(module: Path) -> None:
    if module != HELPER:
        assert unsafe(module.read_text()) == []


@pytest.mark.parametrize(
    "statement",
    [
        "st.error(text)",
        "st.error(str(text))",
        'st.write(f"{text}")',
        'st.write("a", text)',
        'st.button("a" + text)',
        'st.button("a", help=text)',
        'left.info(f"{text!r}")',
        "st.expander(text)",
        "st.toast(body=text)",
        'st.metric("a", text)',
        "bar.progress(0.5, text)",
        'st.radio("a", [text])',
        'st.tabs(["a", text])',
        'st.page_link("a", label=text)',
        'st.markdown("".join(text for text in texts))',
        'st.markdown("a", unsafe_allow_html=True)',
        "shown = text\n    st.info(shown)",
        'shown = "a"\n    shown += text\n    st.info(shown)',
        "for shown in texts:\n        st.info(shown)",
        "tell = st.info\n    tell(text)",
        "st.table(frame)",
        "st.html(text)",
        'st.info(f"{text:>10}")',
    ],
)
def test_text_that_was_not_made_plain_is_found(statement: str) -> None:
    assert unsafe(f"import streamlit as st\ndef page(text, texts, left, bar, frame):\n    {statement}\n")


@pytest.mark.parametrize(
    "statement",
    [
        'st.error("ours")',
        "st.error(plain(text))",
        'st.write(f"{number:,} rows, {share:.1%} of {day:%d %B}; {plain(text)}")',
        'shown = "a" if text else "b"\n    shown += f"{number:,}"\n    st.info(shown)',
        'for shown, way in (("a", 1), ("b", 2)):\n        st.info(shown)',
        "st.dataframe(frame)",
        'st.text_input("a", value=text)',
        'st.selectbox("a", texts)',
        "log.error(text)",
    ],
)
def test_text_of_ours_is_let_through(statement: str) -> None:
    assert not unsafe(
        f"import streamlit as st\ndef page(text, texts, number, share, day, frame):\n    {statement}\n"
    )
