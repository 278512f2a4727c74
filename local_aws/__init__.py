"""The AWS services the pipeline talks to, as one local process: S3, Glue, SNS, SQS and Athena."""
