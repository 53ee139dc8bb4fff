"""The entry point of `msd-gui`."""

from __future__ import annotations

import argparse
import gc
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from types import FrameType

from msd_engine import __version__
from msd_gui.session.addresses import path_of


def parse(arguments: Sequence[str]) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="msd-gui", description=__doc__)
    parser.add_argument("open", nargs="?", type=path_of, help="a picture, preset, sample file or run folder to open")
    parser.add_argument("--data-dir", type=path_of, help="folder with mnist/, fashion-mnist/, cifar-10-batches-bin/")
    parser.add_argument("--runs-dir", type=path_of, help="folder of the runs")
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda or mps")
    parser.add_argument("--theme", choices=("system", "light", "dark"), help="colours; by default those of the system")
    parser.add_argument("--version", action="version", version=f"msd-gui {__version__}")
    return parser.parse_args(arguments)


def main(arguments: Sequence[str] | None = None) -> int:
    """Open the program's window and run until it closes.

    Args:
        arguments: Command line without the program's name; by default that of the process.

    Returns:
        The exit code: 2 if the window cannot open.
    """
    options = parse(sys.argv[1:] if arguments is None else arguments)
    # Imports create hundreds of thousands of permanent objects: scanning them again and again costs half a
    # second of the start, and blocks the window's thread for up to a quarter of a second at a time.
    gc.disable()
    from msd_gui.app import libraries

    problem = libraries.problem()
    if problem:
        sys.stderr.write(f"msd-gui: {problem}\n")
        return 2

    from PySide6.QtWidgets import QApplication

    from msd_gui.app import crash, create_window

    application = QApplication(sys.argv[:1])
    application.setApplicationName("msd-gui")
    application.setApplicationDisplayName("msd-gui")
    application.setApplicationVersion(__version__)
    application.setDesktopFileName("msd-gui")
    window = create_window(
        data_dir=options.data_dir, runs_dir=options.runs_dir, device=options.device, theme=options.theme
    )
    crash.install(window.show_error)
    window.files.warmed_up.connect(collect_what_is_new)
    close_on_signals(window.close, application.quit)
    window.show()
    if options.open:
        window.files.open_path(options.open)
    else:
        window.tour.offer()
    code = application.exec()
    if threading.active_count() > 1:
        # Everything is saved. Only unused imports or compilations may still run, for up to some seconds.
        for stream in filter(None, (sys.stdout, sys.stderr)):
            stream.flush()
        os._exit(code)
    return code


def close_on_signals(close: Callable[[], object], leave: Callable[[], object]) -> None:
    """Close the window in order on Ctrl+C, a request to terminate and the end of the terminal or session.

    The screen's clock lets Python handle the signals.

    Args:
        close: Closes the window, which writes the settings and saves running trainings.
        leave: Ends the program, even with an open dialog.
    """
    numbers = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGBREAK", "SIGHUP") if hasattr(signal, name)]
    # nohup: the program must survive the end of the terminal.
    wanted = [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]

    def end(_number: int, _frame: FrameType | None) -> None:
        for number in wanted:
            # A second Ctrl+C ends the program at once; a closing terminal may send its signal twice.
            again = signal.SIG_IGN if number == getattr(signal, "SIGHUP", None) else signal.SIG_DFL
            signal.signal(number, again)
        close()
        leave()

    for number in wanted:
        signal.signal(number, end)


def collect_what_is_new() -> None:
    """Restrict the garbage collector to objects created from now on."""
    gc.freeze()
    gc.enable()


if __name__ == "__main__":
    sys.exit(main())
