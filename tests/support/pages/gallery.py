"""A page that draws hostile text in every way the pages draw text, for `test_plain`."""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[3]
for folder in (REPOSITORY / "dags", REPOSITORY):
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))

import polars as pl  # noqa: E402 - the path has to be there first
import streamlit as st  # noqa: E402

from frontend.shell.plain import badge, bullets, link, plain, table  # noqa: E402

ELSEWHERE = "http://127.0.0.1:9"
TEXTS = [
    f"![x]({ELSEWHERE}/x.png)",
    f"![x][1]\n\n[1]: {ELSEWHERE}/r.png",
    f"<img src={ELSEWHERE}/y.png onerror=alert(1)>",
    "[a](javascript:alert(1))",
    ":material/home:",
    ":material_home:",
    ":streamlit:",
    ":smile:",
    ":red[x] :small[y] :blue-badge[z]",
    "$x$ $$y$$",
    "http://evil.example/a",
    "HTTPS://evil.example",
    "see www.evil.example",
    "WWW.evil.example",
    "<https://evil.example>",
    "ann@evil.example",
    "a -> b <- c -- d >= e <= f ~= g <-> h",
    "&lt;b&gt; &amp; &copy;",
    "`code` ``more``",
    "a\n===\nb\n---\nc",
    "# head",
    "- item",
    "1. one",
    "> quoted",
    "    four blanks",
    "\tcode",
    "~~x~~ **b** _i_",
    "[^1]",
    "| a | b |\n|---|---|\n| 1 | 2 |",
    "C:\\lists\\new_1\\ \\n",
    "12:30:45 a:b:c ::x",
    "```\nfence",
    '"q" it\'s {#id} {{ 7*7 }} %20 +1 =1+1',
    "Söhne 価格表 прайс",
]


def draw() -> None:
    """Draw each text in each way."""
    for number, text in enumerate(TEXTS):
        st.markdown(plain(text))
        st.error(plain(text))
        st.info(bullets([text]))
        st.caption(plain(text))
        st.subheader(plain(text))
        st.button(plain(text), help=plain(text), key=f"button_{number}")
        st.metric(plain(text), plain(text))
        st.progress(0.5, plain(text))
        with st.expander(plain(text)):
            st.write(badge("red", text))
        st.warning(link(text, "javascript:alert(1)"))
    table([{"Text": text, "Again": text} for text in TEXTS])
    st.dataframe(pl.DataFrame({text: [text] for text in TEXTS[:9]}))
    st.write("All is drawn.")


if __name__ == "__main__":
    draw()
