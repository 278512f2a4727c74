"""How tasks tell the SNS topic: a task pushes what there is to tell, an operator or a notifier sends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.providers.amazon.aws.operators.sns import SnsPublishOperator
from airflow.sdk import XComArg

from stock_airflow.settings import TOPIC_ARN

if TYPE_CHECKING:
    from airflow.providers.standard.operators.python import PythonOperator

    from stock_pipeline.messages import Message

# With the index named, because a mapped instance would be given those of all others too.
OWN = "ti.xcom_pull(task_ids=ti.task_id, map_indexes=ti.map_index, key='{key}')"
"""Template expression: what the task itself has pushed under a key."""

OWN_RESULT = OWN.format(key="return_value")
"""Template expression: what the task itself has returned."""


def for_sns(message: Message) -> dict[str, str]:
    """What is sent of a message: its text and its event."""
    return {"message": message.to_json(), "event": message.event.value}


def push_message(ti: Any, message: Message) -> None:
    """Push what there is to tell, for `tell` or `tell_own_message` to send."""
    for key, value in for_sns(message).items():
        ti.xcom_push(key=key, value=value)


def tell(task_id: str, teller: PythonOperator) -> SnsPublishOperator:
    """A task that sends the message another task has pushed."""
    return SnsPublishOperator(
        task_id=task_id,
        target_arn=TOPIC_ARN,
        message=XComArg(teller, key="message"),  # type: ignore[arg-type] # a templated field
        message_attributes={"event": XComArg(teller, key="event")},
    )


def tell_own_message() -> SnsNotifier:
    """A callback that sends the message the task itself has pushed."""
    return _notifier(OWN.format(key="message"), OWN.format(key="event"))


def tell_made_message(expression: str) -> SnsNotifier:
    """A callback that sends what a template expression makes, which stands for what `for_sns` gives."""
    return _notifier(f"{expression}['message']", f"{expression}['event']")


def _notifier(message: str, event: str) -> SnsNotifier:
    return SnsNotifier(
        target_arn=TOPIC_ARN,
        message=f"{{{{ {message} }}}}",
        message_attributes={"event": f"{{{{ {event} }}}}"},
    )
