"""Which resources and outputs a condition keeps out, and what is refused about conditions."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import pytest

from local_aws.server import LocalAws
from local_aws.template import TEMPLATE_PATH, create_resources
from local_aws.template_language import Loader, TemplateError, condition_values, parameter_values

PARAMETERS = """
Parameters:
  Kind: {Type: String, Default: small, AllowedValues: [small, large]}
  Zones: {Type: CommaDelimitedList, Default: "a,b"}
"""
NOTHING = "Resources: {}\n"


def holds(condition: str, **given: str) -> bool:
    """Whether a condition holds, and no error where there is one more that refers to it."""
    text = f"{PARAMETERS}Conditions:\n  Asked: {condition}\n  Again: !Condition Asked\n"
    parsed = Loader(text).get_data()
    values = condition_values(parsed["Conditions"], parameter_values(parsed["Parameters"], given))
    assert values["Asked"] == values["Again"]
    return values["Asked"]


@pytest.mark.parametrize(
    ("condition", "small", "large"),
    [
        ("!Equals [!Ref Kind, large]", False, True),
        ("{'Fn::Equals': [{Ref: Kind}, large]}", False, True),
        ("!Not [!Equals [!Ref Kind, large]]", True, False),
        ("!And [!Equals [a, a], !Equals [!Ref Kind, large]]", False, True),
        ("!Or [!Equals [a, b], !Equals [!Ref Kind, large]]", False, True),
        ("!Equals [!Join ['', !Ref Zones], ab]", True, True),
    ],
)
def test_conditions(condition: str, small: bool, large: bool) -> None:
    assert holds(condition) is small
    assert holds(condition, Kind="large") is large


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Conditions: {Odd: !Equals [!Ref Unknown, a]}", "condition Odd.*Unknown"),
        ("Conditions: {Odd: !Condition Unknown}", "condition Odd.*Unknown"),
        ("Conditions: {Odd: !If [a, b, c]}", "condition Odd.*Fn::If"),
        ("Outputs: {Odd: {Condition: Unknown, Value: a}}", "output Odd.*Unknown"),
        ("Parameters: {Odd: {Type: String, Default: c, AllowedValues: [a, b]}}", "parameter Odd.*a, b"),
    ],
)
def test_what_is_wrong_about_a_condition_is_named(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "template.yaml"
    path.write_text(NOTHING + text)
    with pytest.raises(TemplateError, match=message):
        create_resources(path, "http://127.0.0.1:1")


def template(tmp_path: Path, topic_of_the_output: str) -> Path:
    """Something unknown here under a condition that does not hold, and an output."""
    path = tmp_path / "template.yaml"
    path.write_text(
        dedent(f"""
        Conditions:
          OnAws: !Equals [here, there]
        Resources:
          Strange:
            {{Type: AWS::Strange::Thing, Condition: OnAws, DependsOn: Unknown, Properties: {{Odd: !If [a]}}}}
        Outputs:
          Topic: {{Value: !Ref {topic_of_the_output}}}
          OfTheStranger: {{Condition: OnAws, Value: !Ref Strange}}
        """)
    )
    return path


def test_what_stands_under_a_condition_that_does_not_hold_is_not_looked_at(
    tmp_path: Path, local_aws: LocalAws
) -> None:
    path = template(tmp_path, "AWS::Partition")
    assert create_resources(path, local_aws.endpoint_url) == {"Topic": "aws"}


def test_nothing_made_here_refers_to_it(tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match=r"output Topic.*made here.*Strange"):
        create_resources(template(tmp_path, "Strange"), "http://127.0.0.1:1")


def test_the_reader_refuses_mwaa_if_it_is_asked_for() -> None:
    with pytest.raises(TemplateError, match="does not know this type"):
        create_resources(TEMPLATE_PATH, "http://127.0.0.1:1", {"CreateEnvironment": "true"})
