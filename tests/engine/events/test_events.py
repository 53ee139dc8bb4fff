"""Events: frozen values that say what a mailbox may do with them."""

import dataclasses
from collections.abc import Iterator

import pytest

import msd_engine.events as events
from msd_engine.events import Event, Progress


def all_events(cls: type[Event] = Event) -> Iterator[type[Event]]:
    for sub in cls.__subclasses__():
        yield sub
        yield from all_events(sub)


@pytest.mark.parametrize("cls", sorted(set(all_events()), key=lambda cls: cls.__name__))
def test_every_event_is_frozen_documented_and_exported(cls: type[Event]) -> None:
    assert cls.__dataclass_params__.frozen  # type: ignore[attr-defined]
    # Arrays have no single truth value: events compare by identity.
    assert cls.__eq__ is object.__eq__
    assert cls.keep in ("all", "latest", "none")
    assert getattr(events, cls.__name__) is cls
    assert cls.__name__ in events.__all__
    assert cls.__doc__
    for field in dataclasses.fields(cls):
        assert f"{field.name}:" in cls.__doc__, f"{cls.__name__}.{field.name} is not explained"


def test_an_event_cannot_be_changed() -> None:
    event = Progress(step=1, total=2, rate=3.0, items_rate=4.0, elapsed_s=5.0, left_s=6.0)
    with pytest.raises(dataclasses.FrozenInstanceError):
        event.step = 2  # type: ignore[misc]
    assert dataclasses.replace(event, step=2).step == 2
