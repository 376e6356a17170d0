"""Runs `python -m connector …`, for hosts that install the dependencies but not the package."""

from connector.cli import main

main()
