"""`python -m analysis.watch RUN...`: a page of runs that changes while they go on."""

import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated

import typer

from searchspace.cli import run_command, whole_number_or_zero
from searchspace.console import plain_console


def watch(
    run_dirs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run directories.")],
    port: Annotated[
        int,
        typer.Option(
            parser=whole_number_or_zero,
            metavar="N",
            help="Port [default: any that is free]",
            show_default=False,
        ),
    ] = 0,
    host: Annotated[
        str,
        typer.Option(
            help="Address to listen at; another than this machine's own lets others see the runs."
        ),
    ] = "127.0.0.1",
) -> int:
    """Serve a live page of runs: jobs, learning curves, the front and the log. It only reads.

    It works beside a run, before it begins, after it has ended or crashed, and for several runs.
    Ctrl-C and SIGTERM end it.
    """
    import torch

    from analysis.live.server import LiveServer

    # The run needs the other cores.
    torch.set_num_threads(1)
    console = plain_console(soft_wrap=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with suppress(KeyboardInterrupt), LiveServer(run_dirs, host, port) as server:
        console.print(f"Watch at {server.address}", highlight=False)
        # Into a pipe it would wait for the end.
        console.file.flush()
        server.serve_forever()
    return 0


if __name__ == "__main__":
    run_command(watch, "python -m analysis.watch")
