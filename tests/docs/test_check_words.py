"""The words that the project does not use are found, and only they."""

from __future__ import annotations

import pytest

from docs.check_words import findings, words


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Whoever uploads the file", ["Whoever"]),
        ("nobody has looked, and somebody has to look at it", ["nobody", "somebody", "has to look at"]),
        ("the copy lies under quarantine/", ["lies under"]),
        ("eBay was told of it", ["was told of"]),
        ("a process of its own", ["of its own"]),
        ("What became of the feed", ["became of"]),
        # What is meant in another way, or is the name of something.
        ("a name such as nobody.xlsx", []),
        ("RTG stands for several stores", []),
        ("it lies to its reader", []),
        ("told = message.text", []),
    ],
)
def test_what_is_found(text: str, found: list[str]):
    assert sorted(finding.found for finding in findings("a.md", text, words())) == sorted(found)


def test_a_finding_names_the_place_and_what_to_write():
    (finding,) = findings("docs/a.md", "one\nread anew\n", words())
    assert str(finding) == "docs/a.md:2: “anew”; write: again"
