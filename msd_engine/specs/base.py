"""Base of all specs: frozen, strictly validated values.

`param` declares each field once, with title, unit, range, scale and help. Sliders, command-line flags, run files and
the table of `msd schema` are made from that declaration.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)

Scale = Literal["linear", "log"]

LARGEST_SEED = 2**31 - 1


class SpecError(ValueError):
    """An invalid spec, in one sentence that names the field.

    Attributes:
        path: Dotted path of the invalid field, such as ``sampling.levels``; empty for the whole text.
    """

    def __init__(self, path: str, sentence: str) -> None:
        """Store the path with the sentence."""
        super().__init__(sentence)
        self.path = path


def param(
    default: Any,
    *,
    title: str,
    help: str,  # noqa: A002 - the usual word in a field declaration
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
        default: Value if none is given.
        title: Name beside the control.
        help: One or two sentences for a tooltip or a table.
        unit: Unit after the number; empty for data units and pure numbers.
        symbol: Symbol in the theory, such as ``σ₁``.
        scale: Scale of the slider: ``linear`` or ``log``.
        ge: Smallest value.
        gt: Exclusive lower bound.
        le: Largest value.
        lt: Exclusive upper bound.
        slider: Range of the slider; other values inside the bounds can be typed.
        formula: Formula that contains the field, as plain text.
        choices: Titles of words that capitals and spaces alone do not make readable.
    """
    extra: dict[str, Any] = {"unit": unit, "symbol": symbol, "scale": scale, "slider": slider, "formula": formula}
    extra |= {"choices": dict(choices or {})}
    return Field(default, title=title, description=help, ge=ge, gt=gt, le=le, lt=lt, json_schema_extra=extra)


@dataclass(frozen=True)
class Declaration:
    """Declaration of one field of a spec.

    Attributes:
        path: Dotted path from the top of the spec, such as ``sampling.levels``.
        title: Name beside the control.
        help: One or two sentences.
        type: ``int``, ``float``, ``bool`` or ``str``.
        default: Value if none is given.
        unit: Unit after the number.
        symbol: Symbol in the theory.
        scale: ``linear`` or ``log``.
        low: Lower bound, or None.
        high: Upper bound, or None.
        slider: Range of the slider, or None.
        choices: Words to choose from, or empty.
        titles: Display titles of the choices.
        formula: Formula that contains the field.
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
    """Decode a JSON document in any Unicode encoding, without the byte order mark; raise UnicodeDecodeError."""
    if isinstance(text, bytes):
        text = text.decode(json.detect_encoding(text))
    return text.removeprefix("\ufeff")


class Spec(BaseModel):
    """A frozen, strict value that refuses unknown fields, NaN, infinities and numbers given as text."""

    notes: ClassVar[tuple[str, ...]] = ()
    """Keys of a document that are not fields: their values are ignored."""
    older: ClassVar[tuple[str, ...]] = ()
    """Earlier formats that can still be read: `present` converts them."""

    model_config = ConfigDict(
        frozen=True, strict=True, extra="forbid", allow_inf_nan=False, ser_json_bytes="base64", val_json_bytes="base64"
    )

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """Read a spec from JSON text.

        Raises:
            SpecError: The text is not valid JSON, repeats a key, lacks the key ``format``, or has a value that the spec
                refuses.
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
        """Convert a document of an earlier format to the present one; return others unchanged.

        Args:
            document: Parsed JSON, with nested specs.

        Raises:
            SpecError: A value of the earlier format has no equivalent in the present one.
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

        Raises:
            SpecError: A value is missing, unknown or out of range.
        """
        try:
            return cls.model_validate(fields)
        except ValidationError as error:
            raise _sentence(error) from None

    @property
    def absent(self) -> Mapping[str, str]:
        """Fields that the value of another field excludes, with the reasons, by name."""
        return {}

    @property
    def unsaved(self) -> Collection[str]:
        """Names of the fields that documents leave out: those that are absent."""
        return self.absent.keys()

    @model_validator(mode="after")
    def _usual_where_absent(self) -> Self:
        """Restore the usual values of absent fields, since they are not saved."""
        for name in self.absent:
            object.__setattr__(self, name, type(self).model_fields[name].default)
        return self

    @model_serializer(mode="wrap")
    def _saved(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        for name in self.unsaved:
            fields.pop(name, None)
        return fields

    def to_json(self, *, indent: int | None = None) -> str:
        """Return the spec as JSON text that `from_json` reads back unchanged."""
        return self.model_dump_json(indent=indent)

    def get(self, path: str) -> Any:
        """Return the value at a dotted path, such as ``sampling.levels``.

        Raises:
            SpecError: The field does not exist.
        """
        value: Any = self
        for name in path.split("."):
            if not isinstance(value, Spec) or name not in type(value).model_fields:
                raise SpecError(path, f"There is no field called {path}.")
            value = getattr(value, name)
        return value

    def replace(self, path: str, value: Any) -> Self:
        """Return a validated copy with one field changed, given by its dotted path.

        Raises:
            SpecError: The field does not exist, or the spec refuses the value.
        """
        return self.replace_all({path: value})

    def replace_all(self, values: dict[str, Any]) -> Self:
        """Return a validated copy with several fields changed at once.

        Args:
            values: New values by dotted path.

        Raises:
            SpecError: A field does not exist, is absent from the new spec, or the spec refuses a value.
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
    """Return the display title of a word: its entry in `titles`, or the word with spaces and a capital."""
    return titles.get(word, word.replace("-", " ").capitalize())


def declarations(spec: Spec | type[Spec], prefix: str = "", *, absent: bool = False) -> Iterator[Declaration]:
    """List the scalar fields of a spec, depth first, in order of declaration.

    Args:
        spec: A spec, or its class if no field is a union of specs.
        prefix: Prefix of every path.
        absent: Also list fields that the values of other fields exclude.

    Yields:
        One declaration for each field that holds a number, a boolean or a word.
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
    """Refuse a document without a known ``format``: it may omit every other key."""
    wanted, given = " or ".join(map(repr, known)), document.get("format")
    if "format" not in document:
        raise SpecError("format", f"it has no key “format” with the value {wanted}.")
    if given not in known:
        shown = repr(given) if isinstance(given, str | int | float | bool | None) else type(given).__name__
        raise SpecError("format", f"format must be {wanted}, but is {shown[:80]}.")


def _sentence(error: ValidationError) -> SpecError:
    """Turn the most informative error of a validation into one sentence that names the field."""
    found = error.errors(include_url=False)
    # A misspelt name is both missing and unknown; the unknown one shows the misspelling.
    finding = next((finding for finding in found if finding["type"] == "extra_forbidden"), found[0])
    # The location contains the tags of union branches, which are not field names.
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
            # The message of pydantic repeats the input at any length.
            sentence = f"{path}.kind must be {finding['ctx']['expected_tags'].replace(', ', ' or ')}."
        case "value_error":
            sentence = message.removeprefix("Value error, ")
        case _:
            message = message.replace("Input should", "should").replace("should be a finite number", "should be finite")
            message = message.replace("should", "must", 1)
            *whole, last = [str(part) for part in finding["loc"]] or [""]
            if whole and last.isdigit() and not any(part.isdigit() for part in whole):
                # The value is more informative than its index in the list.
                sentence = f"Each of {path.removesuffix(f'.{last}')} {message}, but one is {shown[:80]}."
            else:
                sentence = f"{path or 'The spec'} {message}, but is {shown[:80]}."
    return SpecError(path, sentence)
