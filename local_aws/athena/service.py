"""The query-execution half of Athena's API: requests in, documents out, queries run in a small pool."""

from __future__ import annotations

import dataclasses
import logging
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import botocore.config
from botocore.exceptions import ClientError

from local_aws.athena import statements
from local_aws.athena.catalog import Catalog
from local_aws.athena.engine import Engine
from local_aws.athena.errors import InvalidRequestError, QueryCancelledError, QueryFailedError
from local_aws.athena.executions import Execution
from local_aws.athena.objects import ObjectCache, split_uri
from local_aws.athena.runner import Services, run
from local_aws.environment import DEFAULT_MEMORY, REGION, client_arguments
from local_aws.faults import OWN_USER_AGENT

logger = logging.getLogger(__name__)

ACTIONS = frozenset(
    {
        "StartQueryExecution",
        "GetQueryExecution",
        "BatchGetQueryExecution",
        "GetQueryResults",
        "StopQueryExecution",
        "ListQueryExecutions",
    }
)

_WORKERS = 4
_PAGE = 1000  # rows, the most GetQueryResults gives
_LIST_PAGE = 50
_DEFAULT_CACHE_BYTES = 4 << 30
_CLIENT_CONFIG = botocore.config.Config(
    request_checksum_calculation="when_required",
    response_checksum_validation="when_required",
    max_pool_connections=2 * _WORKERS,
    s3={"addressing_style": "path"},
    user_agent_extra=OWN_USER_AGENT,
)


@dataclasses.dataclass(frozen=True)
class WorkGroup:
    """What a workgroup says of queries: where results go, and whether that overrules the client."""

    name: str
    output: str
    enforced: bool


class AthenaService:
    """Athena's query executions over one server's Glue and S3.

    Args:
        endpoint: the server's own address.
        directory: for cached objects, query folders and results; the caller removes it.
        memory: DuckDB's memory limit.
        cache_bytes: how much object content is kept on disk between queries.
    """

    def __init__(
        self,
        endpoint: str,
        directory: Path,
        memory: str = DEFAULT_MEMORY,
        cache_bytes: int = _DEFAULT_CACHE_BYTES,
    ) -> None:
        self._endpoint = endpoint
        self._clients: dict[tuple[str, str], Any] = {}
        self._results = directory / "results"
        self._results.mkdir(parents=True, exist_ok=True)
        self._engine = Engine(directory, memory)
        self._cache = ObjectCache(self._client("s3", REGION), directory / "objects", cache_bytes)
        self._pool = ThreadPoolExecutor(max_workers=_WORKERS, thread_name_prefix="athena")
        self._executions: dict[str, Execution] = {}
        self._tokens: dict[str, str] = {}
        self._lock = threading.Lock()

    def call(
        self, action: str, request: dict[str, Any], region: str, failure: str | None = None
    ) -> dict[str, Any]:
        """Answer one API call.

        Args:
            action: such as `StartQueryExecution`.
            request: the decoded JSON body.
            region: from the request's signature.
            failure: why a query that is started is to end FAILED without having run; None if it is to run.

        Raises:
            InvalidRequestError: as Athena's InvalidRequestException.
        """
        match action:
            case "StartQueryExecution":
                return self._start(request, region, failure)
            case "GetQueryExecution":
                return {"QueryExecution": self._find(request).describe()}
            case "BatchGetQueryExecution":
                return self._batch_get(request)
            case "GetQueryResults":
                return self._get_results(request)
            case "StopQueryExecution":
                self._find(request).stop()
                return {}
            case "ListQueryExecutions":
                return self._list(request, region)
        raise InvalidRequestError(f"{action} is not a query-execution call")

    def close(self) -> None:
        """Stop every query and wait for the pool to end."""
        for execution in list(self._executions.values()):
            execution.stop()
        self._pool.shutdown(wait=True, cancel_futures=True)
        self._engine.close()

    def _start(self, request: dict[str, Any], region: str, failure: str | None) -> dict[str, Any]:
        sql = request.get("QueryString", "")
        statements.check_single(sql)
        workgroup = self._workgroup(request.get("WorkGroup") or "primary", region)
        wanted = request.get("ResultConfiguration", {}).get("OutputLocation", "")
        output = workgroup.output if workgroup.output and (workgroup.enforced or not wanted) else wanted
        if not output:
            raise InvalidRequestError(
                "No output location provided. An output location is required either through the Workgroup "
                "result configuration setting or as an API input."
            )
        if not output.startswith("s3://"):
            raise InvalidRequestError(f"outputLocation is not a valid S3 path: {output}")
        self._require_bucket(output, region)
        token = request.get("ClientRequestToken")
        with self._lock:
            if token in self._tokens:
                earlier = self._executions[self._tokens[token]]
                if earlier.request != request:
                    raise InvalidRequestError(
                        "Idempotent parameters do not match: another request has this ClientRequestToken"
                    )
                return {"QueryExecutionId": earlier.query_id}
            execution = Execution(
                query_id=str(uuid.uuid4()),
                sql=sql,
                database=request.get("QueryExecutionContext", {}).get("Database", "default").lower(),
                workgroup=workgroup.name,
                output=output.rstrip("/") + "/",
                enforced_output=workgroup.enforced and bool(workgroup.output),
                parameters=tuple(request.get("ExecutionParameters", ())),
                region=region,
                request=request,
            )
            execution.location = f"{execution.output}{execution.query_id}.csv"
            self._executions[execution.query_id] = execution
            if token:
                self._tokens[token] = execution.query_id
        if failure:
            execution.finish("FAILED", failure)
        else:
            self._pool.submit(self._execute, execution)
        return {"QueryExecutionId": execution.query_id}

    def _execute(self, execution: Execution) -> None:
        if not execution.start():
            return
        services = Services(
            s3=self._client("s3", execution.region),
            catalog=Catalog(self._client("glue", execution.region)),
            cache=self._cache,
            engine=self._engine,
            results=self._results,
        )
        try:
            run(execution, services)
        except QueryCancelledError:
            execution.finish("CANCELLED", "Query cancelled by user")
        except QueryFailedError as error:
            execution.finish("FAILED", str(error))
        except Exception as error:
            logger.exception("query %s broke the local Athena", execution.query_id)
            execution.finish("FAILED", f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}")
        else:
            execution.finish("SUCCEEDED")

    def _batch_get(self, request: dict[str, Any]) -> dict[str, Any]:
        found, missing = [], []
        for query_id in request.get("QueryExecutionIds", []):
            if query_id in self._executions:
                found.append(self._executions[query_id].describe())
            else:
                missing.append(
                    {
                        "QueryExecutionId": query_id,
                        "ErrorCode": "INVALID_INPUT",
                        "ErrorMessage": f"QueryExecution {query_id} was not found",
                    }
                )
        return {"QueryExecutions": found, "UnprocessedQueryExecutionIds": missing}

    def _list(self, request: dict[str, Any], region: str) -> dict[str, Any]:
        workgroup = self._workgroup(request.get("WorkGroup") or "primary", region).name
        ids = [
            execution.query_id
            for execution in reversed(list(self._executions.values()))
            if execution.workgroup == workgroup and execution.region == region
        ]
        start = _page_start(request)
        end = start + int(request.get("MaxResults") or _LIST_PAGE)
        return {"QueryExecutionIds": ids[start:end], **({"NextToken": str(end)} if end < len(ids) else {})}

    def _get_results(self, request: dict[str, Any]) -> dict[str, Any]:
        execution = self._find(request)
        if execution.state in {"QUEUED", "RUNNING"}:
            raise InvalidRequestError(
                f"Query has not yet finished. Current state: {execution.state}",
            )
        if execution.state != "SUCCEEDED":
            raise InvalidRequestError(
                f"Query did not finish successfully. Final query state: {execution.state}"
            )
        size = int(request.get("MaxResults") or _PAGE)
        if not 1 <= size <= _PAGE:
            raise InvalidRequestError("MaxResults is more than maximum allowed length 1000")
        rows, following = execution.results.page(_page_start(request), size)
        answer: dict[str, Any] = {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": [{"Data": [_datum(value) for value in row]} for row in rows],
                "ResultSetMetadata": {"ColumnInfo": [column.info() for column in execution.results.columns]},
            },
        }
        if following is not None:
            answer["NextToken"] = str(following)
        return answer

    def _find(self, request: dict[str, Any]) -> Execution:
        query_id = request.get("QueryExecutionId", "")
        try:
            return self._executions[query_id]
        except KeyError:
            raise InvalidRequestError(f"QueryExecution {query_id} was not found") from None

    def _require_bucket(self, output: str, region: str) -> None:
        bucket, _ = split_uri(output)
        try:
            self._client("s3", region).head_bucket(Bucket=bucket)
        except ClientError as error:
            raise InvalidRequestError(f"Unable to verify/create output bucket {bucket}") from error

    def _workgroup(self, name: str, region: str) -> WorkGroup:
        try:
            found = self._client("athena", region).get_work_group(WorkGroup=name).get("WorkGroup")
        except ClientError:
            found = None
        if not found:
            raise InvalidRequestError(f"WorkGroup {name} is not found.")
        if found.get("State") == "DISABLED":
            raise InvalidRequestError(f"WorkGroup {name} is disabled.")
        configuration: Any = found.get("Configuration") or {}
        return WorkGroup(
            name=name,
            output=(configuration.get("ResultConfiguration") or {}).get("OutputLocation", ""),
            enforced=bool(configuration.get("EnforceWorkGroupConfiguration", True)),
        )

    def _client(self, service: str, region: str) -> Any:
        key = (service, region)
        if key not in self._clients:
            # Its own session: boto3's default one must not be used from several threads at once.
            self._clients[key] = boto3.session.Session().client(
                service, config=_CLIENT_CONFIG, **client_arguments(self._endpoint, region)
            )
        return self._clients[key]


def _page_start(request: dict[str, Any]) -> int:
    token = request.get("NextToken") or "0"
    if not token.isdigit():
        raise InvalidRequestError("Malformed next token")
    return int(token)


def _datum(value: str | None) -> dict[str, str]:
    return {} if value is None else {"VarCharValue": value}
