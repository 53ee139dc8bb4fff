"""The light and the dark theme: palette, style sheet, and following the system."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal, get_args

from PySide6.QtCore import QObject, Qt, Signal, Slot
from PySide6.QtGui import QColor, QFont, QPalette
from PySide6.QtWidgets import QApplication

from msd_gui.theme.colours import DARK, LIGHT, SMALL_FONT, Colours, with_alpha

ThemeChoice = Literal["system", "light", "dark"]
THEME_CHOICES: tuple[ThemeChoice, ...] = get_args(ThemeChoice)


def make_palette(colours: Colours) -> QPalette:
    """Return the palette of a scheme for the Fusion style, with readable disabled text."""
    role = QPalette.ColorRole
    palette = QPalette(QColor(colours.raised), QColor(colours.window))
    dark = colours.scheme == "dark"
    for name, colour in {
        role.Window: colours.window,
        role.WindowText: colours.text,
        role.Base: colours.base,
        role.AlternateBase: colours.raised,
        role.Text: colours.text,
        role.Button: colours.raised,
        role.ButtonText: colours.text,
        role.BrightText: colours.error,
        role.ToolTipBase: colours.raised,
        role.ToolTipText: colours.text,
        role.Highlight: colours.accent,
        role.HighlightedText: colours.on_accent,
        role.Accent: colours.accent,
        role.Link: colours.accent,
        role.LinkVisited: colours.accent,
        role.Mid: colours.border,
        role.Midlight: colours.raised,
        role.Light: "#33383E" if dark else "#FFFFFF",
        role.Dark: "#101215" if dark else "#9AA1AB",
        role.Shadow: "#000000" if dark else "#70767E",
    }.items():
        palette.setColor(name, QColor(colour))
    palette.setColor(role.PlaceholderText, with_alpha(colours.muted, 0.9))
    for name in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, with_alpha(colours.muted, 0.75))
    palette.setColor(QPalette.ColorGroup.Disabled, role.Highlight, QColor(colours.border))
    return palette


def style_sheet(colours: Colours, font_points: float) -> str:
    """Return the style sheet of the application: the few details that a palette cannot express.

    Dynamic properties select the rule: ``role`` is ``heading``, ``muted``, ``error`` or ``trailing`` on a label, and
    ``severity`` is ``info``, ``good``, ``warning`` or ``error`` on a card.

    Args:
        colours: The named colours.
        font_points: Size of the application's font in points.
    """
    small = font_points * SMALL_FONT
    bars = {"info": colours.accent, "good": colours.good, "warning": colours.warning, "error": colours.error}
    cards = "".join(f'QFrame#card[severity="{name}"] {{ border-left-color: {bar}; }}\n' for name, bar in bars.items())
    # Fusion draws check boxes in a darker shade of the window, invisible on a dark one; its sliders should match the
    # program's own.
    tick = Path(str(files("msd_resources") / "icons" / f"tick-{colours.scheme}.svg")).as_posix()
    return f"""
QCheckBox::indicator {{ width: 14px; height: 14px; border: 1px solid {colours.muted}; border-radius: 3px;
  background: {colours.base}; }}
QCheckBox::indicator:focus, QCheckBox::indicator:hover {{ border-color: {colours.accent}; }}
QCheckBox::indicator:checked {{ border-color: {colours.accent}; background: {colours.accent}; image: url("{tick}"); }}
QCheckBox::indicator:disabled {{ border-color: {colours.border}; background: {colours.window}; }}
QCheckBox::indicator:checked:disabled {{ background: {colours.border}; }}
QSlider::groove:horizontal {{ height: 4px; border-radius: 2px; background: {colours.border}; }}
QSlider::sub-page:horizontal {{ border-radius: 2px; background: {colours.accent}; }}
QSlider::sub-page:horizontal:disabled {{ background: {colours.muted}; }}
QSlider::handle:horizontal {{ width: 8px; height: 8px; margin: -4px 0px; border: 2px solid {colours.accent};
  border-radius: 6px; background: {colours.base}; }}
QSlider::handle:horizontal:focus {{ border-color: {colours.text}; }}
QSlider::handle:horizontal:disabled {{ border-color: {colours.muted}; background: {colours.window}; }}
QToolTip {{ color: {colours.text}; background: {colours.raised}; border: 1px solid {colours.border}; padding: 4px; }}
QToolButton[role="heading"] {{ border: none; font-weight: 600; text-align: left; padding: 3px 0px; }}
QToolButton[role="heading"]:focus {{ color: {colours.accent}; }}
QLabel[role="muted"], QLabel[role="trailing"] {{ color: {colours.muted}; }}
QLabel[role="error"] {{ color: {colours.error}; font-size: {small:.2f}pt; }}
QLabel[role="trailing"][severity="warning"] {{ color: {colours.warning}; }}
QLabel[role="trailing"][severity="error"] {{ color: {colours.error}; font-weight: 600; }}
QFrame#card {{ background: {colours.raised}; border: none; border-left: 4px solid {colours.accent};
  border-radius: 3px; }}
{cards}QFrame#callout {{ background: {colours.raised}; border: 1px solid {colours.accent}; border-radius: 4px; }}
QStatusBar {{ color: {colours.muted}; border-top: 1px solid {colours.border}; }}
QStatusBar::item {{ border: none; }}
"""


def readable(font: QFont) -> QFont:
    """Return a font without its mark positioning table, so that x̂ is drawn correctly.

    With the table of DejaVu Sans, the usual font on Linux, Qt draws the hat far above the x; without it Qt places the
    hat by its outline.
    """
    made = QFont(font)
    made.setFeature(QFont.Tag("mark"), 0)
    return made


class Theme(QObject):
    """Keep the application light or dark, by the system or by choice.

    Attributes:
        changed: Emitted with the new `Colours` after they are applied.
    """

    changed = Signal(object)

    def __init__(self, app: QApplication, choice: ThemeChoice = "system") -> None:
        """Style the application and follow the system from now on.

        Args:
            app: The application.
            choice: ``system``, ``light`` or ``dark``.
        """
        super().__init__(app)
        self._app = app
        self._choice = choice
        self._system = app.styleHints().colorScheme()
        self._colours = self._wanted()
        app.setStyle("Fusion")
        app.setFont(readable(app.font()))
        self._query_platform()
        self._dress()
        app.styleHints().colorSchemeChanged.connect(self._follow_system)

    @property
    def choice(self) -> ThemeChoice:
        """The chosen theme: ``system``, ``light`` or ``dark``."""
        return self._choice

    @property
    def colours(self) -> Colours:
        """The current colours."""
        return self._colours

    def set_choice(self, choice: ThemeChoice) -> None:
        """Follow the ``system``, or stay ``light`` or ``dark``."""
        self._choice = choice
        self._query_platform()
        self._refresh()

    def _wanted(self) -> Colours:
        if self._choice == "system":
            return DARK if self._system == Qt.ColorScheme.Dark else LIGHT
        return DARK if self._choice == "dark" else LIGHT

    def _query_platform(self) -> None:
        """Apply the choice to the window frame too, if Qt supports it (since 6.8)."""
        hints = self._app.styleHints()
        if hasattr(hints, "setColorScheme"):
            scheme = {"light": Qt.ColorScheme.Light, "dark": Qt.ColorScheme.Dark}
            hints.setColorScheme(scheme.get(self._choice, Qt.ColorScheme.Unknown))

    @Slot(Qt.ColorScheme)
    def _follow_system(self, scheme: Qt.ColorScheme) -> None:
        self._system = scheme
        self._refresh()

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted is not self._colours:
            self._colours = wanted
            self._dress()
            self.changed.emit(wanted)

    def _dress(self) -> None:
        self._app.setPalette(make_palette(self._colours))
        self._app.setStyleSheet(style_sheet(self._colours, self._app.font().pointSizeF()))
