"""`msd presets` and `msd schema`: the available presets and fields. Neither needs torch."""

from __future__ import annotations

import json
import sys
from typing import Any

from msd_engine.cli.fields import declared_fields, describe_range
from msd_engine.cli.outcome import print_json
from msd_engine.specs import Declaration, ExperimentSpec, load_preset, preset_names

_WIDE = 240


def list_presets(*, as_json: bool) -> None:
    """Print the presets with title and data, as a table or as one line of JSON."""
    rows = [(name, load_preset(name)) for name in preset_names()]
    if as_json:
        presets = [{"name": name, "title": spec.title, "data": spec.data.name} for name, spec in rows]
        print_json({"command": "presets", "status": "finished", "presets": presets})
        return
    widths = (max(len(name) for name, _ in rows), max(len(spec.data.name) for _, spec in rows))
    for name, spec in rows:
        print(f"{name:{widths[0]}}  {spec.data.name:{widths[1]}}  {spec.title}")


def print_schema(*, table: bool) -> None:
    """Print the fields of a spec, as JSON schema or as a table."""
    if table:
        _print_table()
    else:
        print(json.dumps(ExperimentSpec.model_json_schema(), indent=2, ensure_ascii=False))


def _print_table() -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("path", "symbol", "type", "range", "default", "unit", "help", box=box.SIMPLE, show_edge=False)
    table.columns[3].no_wrap = True
    for path, kinds in declared_fields().items():
        distinct = list(dict.fromkeys(kinds.values()))
        for declared in distinct:
            title = f"{declared.title}: {declared.help}"
            cells = (declared.symbol, declared.type.__name__, describe_range(declared, unit=False))
            table.add_row(path, *cells, _default(declared), declared.unit, title)
    # Text for a file or another program must not wrap at 80 columns.
    console = Console(width=None if sys.stdout.isatty() else _WIDE, markup=False, highlight=False, emoji=False)
    console.print(table)


def _default(declared: Declaration) -> str:
    value: Any = declared.default
    return str(value).lower() if isinstance(value, bool) else str(value)
