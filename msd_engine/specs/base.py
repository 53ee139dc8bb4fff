"""The common base of every spec: a frozen, strictly validated value.

Each field is declared once, by `param`, with title, unit, range, scale and help. Sliders, command-line flags,
run files and the table that `msd schema` prints are all made from that one declaration.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError

Scale = Literal["linear", "log"]

LARGEST_SEED = 2**31 - 1


class SpecError(ValueError):
    """A spec that cannot be accepted, in one sentence that names the field.

    Attributes:
        path: The dotted path of the field at fault, such as ``sampling.levels``; empty for the whole text.
    """

    def __init__(self, path: str, sentence: str) -> None:
        """Keep the path beside the sentence."""
        super().__init__(sentence)
        self.path = path


def param(
    default: Any,
    *,
    title: str,
    help: str,  # noqa: A002 - the word that readers of a field declaration look for
    unit: str = "",
    symbol: str = "",
    scale: Scale = "linear",
    ge: float | None = None,
    gt: float | None = None,
    le: float | None = None,
    lt: float | None = None,
    slider: tuple[float, float] | None = None,
    formula: str = "",
    choices: Mapping[str, str] | None = None,
) -> Any:
    """Declare one field of a spec.

    Args:
        default: The value that stands where nothing is said.
        title: The name shown beside the control.
        help: One or two sentences for a tooltip or a table.
        unit: The unit shown behind the number; empty for data units and pure numbers.
        symbol: The symbol of the theory, such as ``σ₁``.
        scale: How a slider moves: ``linear`` or ``log``.
        ge: Smallest value accepted.
        gt: Bound that the value must exceed.
        le: Largest value accepted.
        lt: Bound that the value must stay under.
        slider: The range that a slider spans; values outside, but inside the bounds, may be typed.
        formula: The formula that the field enters, as plain text.
        choices: Titles of words that capitals and spaces alone do not make readable.

    Returns:
        The pydantic field declaration.
    """
    extra: dict[str, Any] = {"unit": unit, "symbol": symbol, "scale": scale, "slider": slider, "formula": formula}
    extra |= {"choices": dict(choices or {})}
    return Field(default, title=title, description=help, ge=ge, gt=gt, le=le, lt=lt, json_schema_extra=extra)


@dataclass(frozen=True)
class Declaration:
    """What a spec says about one of its fields.

    Attributes:
        path: Dotted path from the top of the spec, such as ``sampling.levels``.
        title: Name shown beside the control.
        help: One or two sentences.
        type: ``int``, ``float``, ``bool`` or ``str``.
        default: Value where nothing is said.
        unit: Unit behind the number.
        symbol: Symbol of the theory.
        scale: ``linear`` or ``log``.
        low: Smallest value that may be typed, or None.
        high: Largest value that may be typed, or None.
        slider: Range that a slider spans, or None.
        choices: The words that may be chosen, or empty.
        titles: What each of them is called before people.
        formula: Formula that the field enters.
    """

    path: str
    title: str
    help: str
    type: type
    default: Any
    unit: str
    symbol: str
    scale: Scale
    low: float | None
    high: float | None
    slider: tuple[float, float] | None
    choices: tuple[str, ...]
    titles: tuple[str, ...]
    formula: str


def _decoded(text: str | bytes) -> str:
    """Return the text of a JSON document in any of the Unicode encodings, without the byte order mark of editors.

    Args:
        text: The document.

    Returns:
        Its text.

    Raises:
        UnicodeDecodeError: The bytes are no text in the encoding that they begin with.
    """
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    return text.removeprefix("\ufeff")


class Spec(BaseModel):
    """A frozen, strict value: unknown fields, NaN, infinities and numbers given as text are refused."""

    notes: ClassVar[tuple[str, ...]] = ()
    """Lines of a document that are no fields: whatever they say is passed over."""
    older: ClassVar[tuple[str, ...]] = ()
    """Names of earlier formats that are still read: `present` changes them into the present one."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="base64", val_json_bytes="base64"
    )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a spec from JSON text.

        Args:
            text: The JSON document.

        Returns:
            The validated spec.

        Raises:
            SpecError: The text is no JSON, repeats a key, lacks the line ``format`` by which files of this kind are
                known, or says something that the spec does not accept.
        """
        try:
            text = _decoded(text)
            document = json.loads(text, object_pairs_hook=_no_repeats)
        except (ValueError, RecursionError) as error:
            if isinstance(error, SpecError):
                raise
            raise SpecError("", f"This is not a spec: the text is not valid JSON ({error}).") from None
        if isinstance(document, dict) and "format" in cls.model_fields:
            _check_format(document, (*get_args(cls.model_fields["format"].annotation), *cls.older))
            if notes := document.keys() & set(cls.notes):
                document = {name: value for name, value in document.items() if name not in notes}
                text = json.dumps(document)
        if isinstance(document, dict) and (present := cls.present(document)) != document:
            text = json.dumps(present)
        try:
            return cls.model_validate_json(text)
        except ValidationError as error:
            raise _sentence(error) from None

    @classmethod
    def present(cls, document: dict[str, Any]) -> dict[str, Any]:
        """Return a document of an earlier format in the words of the present one; others as they are.

        Args:
            document: What the JSON text says, with the specs in it.

        Returns:
            The document with the parts that have changed.

        Raises:
            SpecError: What an earlier format says has no place in the present one.
        """
        changed = dict(document)
        for name, field in cls.model_fields.items():
            kind, part = field.annotation, document.get(name)
            if isinstance(kind, type) and issubclass(kind, Spec) and isinstance(part, dict):
                changed[name] = kind.present(part)
        return changed

    @classmethod
    def from_fields(cls, fields: dict[str, Any]) -> Self:
        """Build a spec from nested plain values.

        Args:
            fields: The values by field name.

        Returns:
            The validated spec.

        Raises:
            SpecError: A value is missing, unknown or out of range.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise _sentence(error) from None

    @property
    def absent(self) -> Mapping[str, str]:
        """Fields that this value does not have because of what another field says: the reason by their name."""
        return {}

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the spec as JSON text that `from_json` reads back unchanged."""
        return self.model_dump_json(indent=indent)

    def get(self, path: str) -> Any:
        """Return the value at a dotted path.

        Args:
            path: Such as ``sampling.levels``.

        Returns:
            The value.

        Raises:
            SpecError: There is no such field.
        """
        value: Any = self
        for name in path.split("."):
            if not isinstance(value, Spec) or name not in type(value).model_fields:
                raise SpecError(path, f"There is no field called {path}.")
            value = getattr(value, name)
        return value

    def replace(self, path: str, value: Any) -> Self:
        """Return a copy of the spec with one field changed.

        Args:
            path: Dotted path of the field.
            value: Its new value.

        Returns:
            A new, validated spec.

        Raises:
            SpecError: There is no such field, or the value is not accepted.
        """
        return self.replace_all({path: value})

    def replace_all(self, values: dict[str, Any]) -> Self:
        """Return a copy of the spec with several fields changed at once.

        Args:
            values: New values by dotted path.

        Returns:
            A new, validated spec.

        Raises:
            SpecError: There is no such field, the value would not have it, or a value is not accepted.
        """
        fields = self.model_dump()
        for path, value in values.items():
            self.get(path)
            *parents, name = path.split(".")
            target = fields
            for parent in parents:
                target = target[parent]
            target[name] = value.model_dump() if isinstance(value, Spec) else value
        changed = type(self).from_fields(fields)
        for path in values:
            parent, _, name = path.rpartition(".")
            part = changed.get(parent) if parent else changed
            if isinstance(part, Spec) and name in part.absent:
                raise SpecError(path, f"There is no field {path} here: {part.absent[name]}.")
        return changed


def title_of(word: str, titles: Mapping[str, str]) -> str:
    """Return what a word of a spec is called before people: its title, or the word with spaces and a capital."""
    return titles.get(word, word.replace("-", " ").capitalize())


def declarations(spec: Spec | type[Spec], prefix: str = "", *, absent: bool = False) -> Iterator[Declaration]:
    """List the declared scalar fields of a spec, depth first, in the order of declaration.

    Args:
        spec: A spec, or its class where no field is a choice between several specs.
        prefix: Path to put before every name.
        absent: Also list the fields that the value does not have as it is, but might have.

    Yields:
        One declaration for each field that holds a number, a truth value or a word.
    """
    cls = spec if isinstance(spec, type) else type(spec)
    for name, field in cls.model_fields.items():
        path = f"{prefix}.{name}" if prefix else name
        value = None
        if isinstance(spec, Spec):
            if name in spec.absent and not absent:
                continue
            value = getattr(spec, name)
        if isinstance(value, Spec):
            yield from declarations(value, path, absent=absent)
            continue
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Spec):
            yield from declarations(kind, path, absent=absent)
            continue
        choices: tuple[str, ...] = ()
        if get_origin(kind) is Literal:
            choices = get_args(kind)
            kind = str
        extra = field.json_schema_extra
        if kind not in (int, float, bool, str) or not isinstance(extra, dict):
            continue
        low, high = _bounds(field.metadata)
        yield Declaration(
            path=path,
            title=field.title or name,
            help=field.description or "",
            type=kind,  # type: ignore[arg-type]
            default=field.default,
            unit=str(extra["unit"]),
            symbol=str(extra["symbol"]),
            scale="log" if extra["scale"] == "log" else "linear",
            low=low,
            high=high,
            slider=extra["slider"],  # type: ignore[arg-type]
            choices=choices,
            titles=tuple(title_of(choice, extra["choices"]) for choice in choices),  # type: ignore[arg-type]
            formula=str(extra["formula"]),
        )


def _bounds(metadata: Iterable[Any]) -> tuple[float | None, float | None]:
    low = high = None
    for item in metadata:
        low = getattr(item, "ge", getattr(item, "gt", low))
        high = getattr(item, "le", getattr(item, "lt", high))
    return low, high


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    seen: dict[str, Any] = {}
    for key, value in pairs:
        if key in seen:
            raise SpecError(key, f"The field {key} is given twice.")
        seen[key] = value
    return seen


def _check_format(document: dict[str, Any], known: tuple[str, ...]) -> None:
    """Refuse a document that does not say that it is one of this kind: all of its other lines may be left out."""
    wanted, given = " or ".join(map(repr, known)), document.get("format")
    if "format" not in document:
        raise SpecError("format", f"it has no line format with the word {wanted}, by which such files are known.")
    if given not in known:
        shown = repr(given) if isinstance(given, str | int | float | bool | None) else type(given).__name__
        raise SpecError("format", f"format must be {wanted}, but is {shown[:80]}.")


def _sentence(error: ValidationError) -> SpecError:
    """Turn the most telling finding of a validation into one sentence that names the field."""
    found = error.errors(include_url=False)
    # A misspelt name is both missing and unknown; the unknown one shows what was written.
    finding = next((finding for finding in found if finding["type"] == "extra_forbidden"), found[0])
    # Union branches put the tag of the branch into the location: it is no field name.
    path = ".".join(str(part) for part in finding["loc"] if part not in ("mixture", "images", "mlp", "unet"))
    given = finding.get("input")
    shown = repr(given) if isinstance(given, str | int | float | bool | None) else type(given).__name__
    message = finding["msg"]
    match finding["type"]:
        case "extra_forbidden":
            sentence = f"There is no field called {path}."
        case "missing":
            sentence = f"The field {path} is missing."
        case "union_tag_invalid":
            # The message repeats whatever was given in place of the word, at any length.
            sentence = f"{path}.kind must be {finding['ctx']['expected_tags'].replace(', ', ' or ')}."
        case "value_error":
            sentence = message.removeprefix("Value error, ")
        case _:
            message = message.replace("Input should", "should").replace("should be a finite number", "should be finite")
            message = message.replace("should", "must", 1)
            *whole, last = [str(part) for part in finding["loc"]] or [""]
            if whole and last.isdigit() and not any(part.isdigit() for part in whole):
                # The place in a list says less than the value does.
                sentence = f"Each of {path.removesuffix(f'.{last}')} {message}, but one is {shown[:80]}."
            else:
                sentence = f"{path or 'The spec'} {message}, but is {shown[:80]}."
    return SpecError(path, sentence)
