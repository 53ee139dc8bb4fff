"""HTML text from the templates of this folder."""

from __future__ import annotations

from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

__all__ = ["rendered"]


def rendered(name: str, **content: Any) -> str:
    """Render a template; text is escaped.

    Args:
        name: File name of the template, such as ``page.html``.
        content: Its variables; a missing one is an error.

    Returns:
        The HTML text with a final line break.
    """
    environment = Environment(loader=PackageLoader(__package__, "."), autoescape=True, undefined=StrictUndefined)
    return environment.get_template(name).render(**content) + "\n"
