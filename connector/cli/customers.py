"""`connector customers …`: sends customers from a file to Yotpo."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from connector.cli import shared
from connector.cli.progress import Progress
from connector.errors import OperatorError
from connector.journal import audit, stores
from connector.journal.database import Database
from connector.sync.pushing import reading, sending
from connector.sync.pushing.report import Report
from connector.sync.pushing.results import ResultsFile
from connector.sync.pushing.source import Source
from connector.sync.pushing.waiting import PatientStore
from connector.yotpo.client import Yotpo

if TYPE_CHECKING:
    from connector.model import Store


@click.group("customers", cls=shared.Group)
def customers_group() -> None:
    """Send customers from a file to Yotpo."""


@customers_group.command("push")
@click.argument("name", metavar="FILE", type=click.Path(exists=True, dir_okay=False, readable=True, allow_dash=True))
@click.option(
    "--store", "store_name", help="The store whose Yotpo gets the customers; needed only if there are several stores."
)
@click.option(
    "--input-format",
    "input_form",
    type=click.Choice(["jsonl", "csv"]),
    help="The format: one JSON object per line, or CSV with a header, in which address.city names a nested field. "
    " [default: by the file's suffix]",
)
@click.option(
    "--results",
    "results_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="The file for the result of each line; an interrupted run continues from it.  [default: FILE.results.jsonl]",
)
@click.option("--restart", is_flag=True, help="Start again: send all lines, also those that were sent.")
@click.option(
    "--dry-run", is_flag=True, help="Check every line and send nothing; needs no database and no connection to Yotpo."
)
@click.option("--verify", is_flag=True, help="Read each customer back after a minute, and compare each field.")
@click.option(
    "--verify-after",
    type=click.FloatRange(0, 86_400),
    default=60.0,
    show_default=True,
    help="The seconds after which Yotpo shows what was sent.",
)
@click.option("--force", is_flag=True, help="Also send fields that Yotpo has deprecated.")
@click.option("--reason", callback=shared.not_blank, help="The reason, for the audit trail.")
@shared.with_actor
@shared.with_format
def customers_push(
    *,
    name: str,
    input_form: reading.Form | None,
    results_path: Path | None,
    dry_run: bool,
    force: bool,
    form: str,
    **options: Any,
) -> None:
    """Create or update the customers in FILE (- for stdin) at Yotpo, one after the other.

    If a line is invalid, or if Yotpo refuses it, the command continues with the next line. The exit status is 0 only if
    all lines were sent.
    """
    source = Source.of(name, input_form)
    report = (
        _check(source, results_path, force=force, restart=options["restart"], form=form)
        if dry_run
        else _push(source, source.results(results_path), force=force, form=form, **options)
    )
    if not report.is_good:
        sys.exit(1)


def _check(source: Source, results_path: Path | None, *, force: bool, restart: bool, form: str) -> Report:
    """Check the file and send nothing. The results are written only if --results names a file."""
    report = Report(results_path)
    with ExitStack() as stack:
        rows = reading.rows(stack.enter_context(source.opened()), source.form, force=force)
        results = stack.enter_context(ResultsFile(results_path, restart=restart)) if results_path else None
        progress = stack.enter_context(Progress(source.total()))
        for result in sending.check(rows, force=force):
            if result and results:
                results.write(result)
            report.count(result)
            progress.show(report.lines)
    _show(report, form)
    return report


def _push(
    source: Source,
    results_path: Path,
    *,
    store_name: str | None,
    actor: str,
    reason: str | None,
    restart: bool,
    verify: bool,
    verify_after: float,
    force: bool,
    form: str,
) -> Report:
    if not reason:
        raise OperatorError("give a reason: --reason TEXT. The audit trail keeps it")
    report = Report(results_path)
    with ExitStack() as stack:
        rows = reading.rows(stack.enter_context(source.opened()), source.form, force=force)
        database = Database.of(shared.settings(), connections=2, wait_seconds=5.0)
        stack.callback(database.close)
        store = _store(database, store_name)
        progress = Progress(source.total())
        patient_store = PatientStore(
            database, shared.vault(), Yotpo.of(shared.settings()), store.id, waiting=progress.tell
        )
        patient_store.account()
        results = stack.enter_context(ResultsFile(results_path, restart=restart))
        write_audit = partial(audit.write, actor=actor, store=store.name, reason=reason, file=source.digest())
        with database.transaction() as connection:
            write_audit(connection, action="customers.push", restart=restart, verify=verify, force=force)
        verify_seconds = verify_after if verify else None
        try:
            with progress:
                for result in sending.push(
                    rows, patient_store, earlier=results.earlier, force=force, verify_seconds=verify_seconds
                ):
                    if result.outcome != "earlier":
                        results.write(result)
                    report.count(result)
                    progress.show(report.lines, before=report.unsent, note=report.read_back)
        finally:
            # Report the customers that were sent, even after Ctrl-C or an error.
            _show(report, form)
            with database.transaction() as connection:
                write_audit(connection, action="customers.pushed", counts=report.counts)
    return report


def _store(database: Database, name: str | None) -> Store:
    with database.transaction() as connection:
        if name:
            return stores.by_name(connection, shared.vault(), name)
        everyone = stores.all_stores(connection, shared.vault())
    if len(everyone) != 1:
        raise OperatorError("give the store whose Yotpo gets the customers: --store NAME; see `connector stores list`")
    return everyone[0]


def _show(report: Report, form: str) -> None:
    shared.print_result(report.as_json(), report.text(), form)
