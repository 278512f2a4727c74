"""The AWS services the pipeline talks to, as one local process: S3, Glue, SNS, SQS and Athena."""

from local_aws.environment import DEFAULT_PORT, client_arguments, client_environment, endpoint_url

__all__ = ["DEFAULT_PORT", "client_arguments", "client_environment", "endpoint_url"]
