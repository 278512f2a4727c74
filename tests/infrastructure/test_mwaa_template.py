"""What the template says of Airflow on MWAA: its logs, its alarms, and where it finds its code."""

from __future__ import annotations

import re
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk import CronTriggerTimetable

from deployment import mwaa
from deployment.package import PLUGINS_ZIP, REQUIREMENTS
from local_aws.template import HANDLERS, TEMPLATE_PATH
from local_aws.template_language import Loader
from tests.conftest import REPOSITORY

LONGEST_LOOK_BACK = 7 * 24 * 3600
"""CloudWatch's limit, for periods of an hour and more; it is a day for shorter ones."""
DAY = 24


@pytest.fixture(scope="module")
def template() -> dict[str, Any]:
    return Loader(TEMPLATE_PATH.read_text()).get_data()


@pytest.fixture(scope="module")
def resources(template: dict[str, Any]) -> dict[str, Any]:
    return template["Resources"]


@pytest.fixture(scope="module")
def alarms(resources: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The alarms' properties, by the end of their names."""
    return {
        resource["Properties"]["AlarmName"]["Fn::Sub"].removeprefix("${EnvironmentName}-"): resource[
            "Properties"
        ]
        for resource in resources.values()
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    }


def dimensions(metric: dict[str, Any]) -> dict[str, Any]:
    return {entry["Name"]: entry["Value"] for entry in metric["Dimensions"]}


def of_dag(dag_id: str) -> dict[str, Any]:
    return {"Environment": {"Ref": "EnvironmentName"}, "DAG": dag_id}


def of_kind(kind: str, alarms: dict[str, Any]) -> dict[str, Any]:
    """The alarms whose names end in a kind, by what comes before it."""
    return {
        name.removesuffix(f"-{kind}"): alarm for name, alarm in alarms.items() if name.endswith(f"-{kind}")
    }


def test_what_has_no_local_counterpart_is_made_only_if_it_is_asked_for(resources: dict[str, Any]) -> None:
    for name, resource in resources.items():
        assert resource["Type"] in HANDLERS or "Condition" in resource, name
        assert resource.get("Condition", "WithEnvironment") in {"WithEnvironment", "WithAlarmEmail"}


def test_the_environment_looks_where_the_code_is_deployed(resources: dict[str, Any]) -> None:
    environment = resources["Environment"]["Properties"]
    assert environment["DagS3Path"] == f"{mwaa.PREFIX}dags"
    assert environment["PluginsS3Path"] == f"{mwaa.PREFIX}{PLUGINS_ZIP}"
    assert environment["RequirementsS3Path"] == f"{mwaa.PREFIX}{REQUIREMENTS}"
    assert environment["SourceBucketArn"] == {"Fn::GetAtt": "Bucket.Arn"}


def test_its_airflow_is_the_one_that_is_tested(resources: dict[str, Any]) -> None:
    version = resources["Environment"]["Properties"]["AirflowVersion"]
    pinned = (REPOSITORY / "requirements-dev.lock").read_text()
    assert re.findall(r"^apache-airflow==(\S+)", pinned, re.MULTILINE) == [version]


def test_every_log_group_of_the_environment_is_there_before_it_and_forgets(resources: dict[str, Any]) -> None:
    groups = {
        name: resource["Properties"]
        for name, resource in resources.items()
        if resource["Type"] == "AWS::Logs::LogGroup"
    }
    logging = resources["Environment"]["Properties"]["LoggingConfiguration"]
    # In the log groups' names MWAA writes two of them otherwise.
    written = {"DagProcessingLogs": "DAGProcessing", "WebserverLogs": "WebServer"}
    wanted = {f"airflow-${{EnvironmentName}}-{written.get(kind, kind[:-4])}" for kind in logging}
    assert {group["LogGroupName"]["Fn::Sub"] for group in groups.values()} == wanted
    assert len(wanted) == 5
    assert {group["RetentionInDays"] for group in groups.values()} == {90}
    assert set(groups) < set(resources["Environment"]["DependsOn"])
    assert all(kind["Enabled"] for kind in logging.values())


def test_every_dag_has_an_alarm_on_a_failed_run(alarms: dict[str, Any], dag_bag: DagBag) -> None:
    failed = of_kind("failed", alarms)
    assert set(failed) == set(dag_bag.dags), "infrastructure/template.yaml: one alarm for each DAG"
    for dag_id, alarm in failed.items():
        assert (alarm["Namespace"], alarm["MetricName"]) == ("AmazonMWAA", "DAGDurationFailed")
        assert dimensions(alarm) == of_dag(dag_id)
        # The metric is how long runs took; how many times there are is how many runs there were.
        assert alarm["Statistic"] == "SampleCount"
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("GreaterThanOrEqualToThreshold", 1)
        # No run is no failure; and the next one finds the alarm quiet, so that it goes off again.
        assert alarm["TreatMissingData"] == "notBreaching"


def runs_daily(dag: Any) -> bool:
    return isinstance(dag.timetable, CronTriggerTimetable) and dag.timetable.expression.endswith("* * *")


def test_every_daily_dag_has_an_alarm_on_a_missing_run(alarms: dict[str, Any], dag_bag: DagBag) -> None:
    missing = of_kind("missing", alarms)
    assert set(missing) == {dag_id for dag_id, dag in dag_bag.dags.items() if runs_daily(dag)}
    for dag_id, alarm in missing.items():
        ended, *counted = alarm["Metrics"]
        assert ended["Expression"] == "FILL(succeeded, 0) + FILL(failed, 0)"
        for metric, name in zip(counted, ("Success", "Failed"), strict=True):
            assert metric["ReturnData"] is False
            assert metric["MetricStat"]["Stat"] == "SampleCount"
            assert metric["MetricStat"]["Period"] == 3600
            assert metric["MetricStat"]["Metric"]["MetricName"] == f"DAGDuration{name}"
            assert dimensions(metric["MetricStat"]["Metric"]) == of_dag(dag_id)
        assert (alarm["ComparisonOperator"], alarm["Threshold"]) == ("LessThanThreshold", 1)
        assert alarm["TreatMissingData"] == "breaching"
        assert alarm["EvaluationPeriods"] * 3600 <= LONGEST_LOOK_BACK
        assert f"{alarm['EvaluationPeriods']} hours" in alarm["AlarmDescription"]
    # It may end right after five in the morning, or after the deadline with all that is left to do.
    assert missing["daily_stock"]["EvaluationPeriods"] == DAY + 5


def test_an_alarm_reaches_somebody(resources: dict[str, Any], alarms: dict[str, Any]) -> None:
    for name, alarm in alarms.items():
        assert alarm["AlarmActions"] == [{"Ref": "AlarmTopic"}], name
    # Under a key of AWS's the topic would refuse CloudWatch, and no one would hear of it.
    assert "KmsMasterKeyId" not in resources["AlarmTopic"]["Properties"]
    (statement,) = resources["AlarmTopicPolicy"]["Properties"]["PolicyDocument"]["Statement"]
    assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert statement["Condition"] == {"StringEquals": {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}}


def test_every_alarm_is_in_the_runbook(alarms: dict[str, Any]) -> None:
    runbook = (REPOSITORY / "docs" / "runbook.md").read_text()
    for name, alarm in alarms.items():
        assert f"`{name}`" in runbook, name
        assert "docs/runbook.md" in alarm["AlarmDescription"]


def test_every_output_that_becomes_a_variable_is_there(template: dict[str, Any]) -> None:
    assert set(mwaa.VARIABLES.values()) < set(template["Outputs"])
    assert template["Outputs"]["EnvironmentName"]["Condition"] == "WithEnvironment"
