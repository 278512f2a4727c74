"""The command line: `python -m stock_pipeline --help`."""

from stock_pipeline.command_line.main import main

main()
