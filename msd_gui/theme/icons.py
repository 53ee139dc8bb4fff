"""Icons by the name of their action. They use the palette at paint time, so they follow the scheme."""

from __future__ import annotations

from importlib.resources import files

from PySide6.QtCore import QPoint, QRect, QSize, Qt
from PySide6.QtGui import QColor, QIcon, QIconEngine, QPainter, QPalette, QPixmap, QPixmapCache
from PySide6.QtWidgets import QApplication

from msd_gui.theme.colours import colours_of

GLYPHS = {
    "about": "information-outline",
    "back": "step-backward",
    "browse": "folder-open-outline",
    "close": "close",
    "collapsed": "chevron-right",
    "copy": "content-copy",
    "copy_command": "console",
    "dice": "dice-5-outline",
    "discard": "trash-can-outline",
    "download": "download",
    "error": "alert-circle-outline",
    "expanded": "chevron-down",
    "export": "export-variant",
    "full_screen": "fullscreen",
    "good": "check-circle-outline",
    "help": "help-circle-outline",
    "home": "fit-to-page-outline",
    "info": "information-outline",
    "layers": "layers-outline",
    "open": "folder-open-outline",
    "open_run": "folder-play-outline",
    "page_compare": "chart-multiline",
    "page_denoise": "draw",
    "page_images": "image-multiple-outline",
    "page_mixture": "scatter-plot",
    "page_noise": "blur",
    "page_runs": "format-list-bulleted",
    "page_scores": "compass-outline",
    "paste": "content-paste",
    "pause": "pause",
    "play": "play",
    "preset": "flask-outline",
    "quit": "exit-to-app",
    "redo": "redo",
    "rename": "pencil-outline",
    "reset": "backup-restore",
    "restart": "restart",
    "resume": "play-circle-outline",
    "sample": "creation",
    "save_spec": "content-save-outline",
    "settings": "cog-outline",
    "step": "step-forward",
    "stop": "stop",
    "theme": "theme-light-dark",
    "tour": "map-marker-path",
    "train": "school-outline",
    "undo": "undo",
    "warning": "alert-outline",
}


class _GlyphEngine(QIconEngine):
    """Paint one glyph of the icon font in the current colour of the palette."""

    def __init__(self, name: str, colour: str) -> None:
        super().__init__()
        self._name, self._colour = name, colour

    def clone(self) -> QIconEngine:
        return _GlyphEngine(self._name, self._colour)

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:  # noqa: ARG002
        import qtawesome  # loads its fonts, so import it when the first icon is painted

        painter.save()
        painter.setPen(self._ink(mode))
        painter.setFont(qtawesome.font("mdi6", round(0.95 * min(rect.width(), rect.height()))))
        painter.drawText(rect, Qt.AlignmentFlag.AlignCenter, qtawesome.charmap(f"mdi6.{GLYPHS[self._name]}"))
        painter.restore()

    def pixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QPixmap:
        # A tool bar requests its pixmaps at every change of an action, so at every move of a slider.
        key = f"glyph {self._name} {self._ink(mode).name(QColor.NameFormat.HexArgb)} {size.width()} {size.height()}"
        result = QPixmap(size)
        if QPixmapCache.find(key, result):
            return result
        result.fill(Qt.GlobalColor.transparent)
        painter = QPainter(result)
        self.paint(painter, QRect(QPoint(0, 0), size), mode, state)
        painter.end()
        QPixmapCache.insert(key, result)
        return result

    def _ink(self, mode: QIcon.Mode) -> QColor:
        """Return the colour of the glyph in the current palette."""
        group = QPalette.ColorGroup.Disabled if mode == QIcon.Mode.Disabled else QPalette.ColorGroup.Active
        role = QPalette.ColorRole.HighlightedText if mode == QIcon.Mode.Selected else QPalette.ColorRole.ButtonText
        palette = QApplication.palette()
        if self._colour and mode in (QIcon.Mode.Normal, QIcon.Mode.Active):
            return QColor(getattr(colours_of(palette), self._colour))
        return palette.color(group, role)


def icon(name: str, colour: str = "") -> QIcon:
    """Return the icon of an action.

    Args:
        name: One of `GLYPHS`.
        colour: Name of a colour of `Colours`, such as ``error``; by default that of text on buttons.

    Raises:
        KeyError: There is no icon of that name.
    """
    if name not in GLYPHS:
        raise KeyError(f"There is no icon called {name!r}.")
    return QIcon(_GlyphEngine(name, colour))


def app_icon() -> QIcon:
    """Return the icon of the program: noisy copies that converge to one point."""
    pixmap = QPixmap()
    pixmap.loadFromData((files("msd_resources") / "icons" / "msd-gui.svg").read_bytes())
    return QIcon(pixmap)
