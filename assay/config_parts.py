"""What the sections of a config are made of."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Discriminator, Field, Tag

from assay.records import Mode

_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}
_DURATION = re.compile(r"(?P<count>[0-9]{1,6})(?P<unit>[smhdw])")


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", protected_namespaces=(), allow_inf_nan=False)


def _duration(value: object) -> object:
    """30d as a timedelta; whatever else is left to pydantic."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip())):
        return timedelta(**{_UNITS[found["unit"]]: int(found["count"])})
    return value


Duration = Annotated[timedelta, BeforeValidator(_duration), Field(gt=timedelta(0))]


class PolicyFiles(Section):
    """Policies that are used in a mode of their own. A path alone means `live`."""

    path: Annotated[str, Field(min_length=1)]
    mode: Mode = Mode.LIVE


PolicyEntry = Annotated[
    Annotated[str, Tag("path")] | Annotated[PolicyFiles, Tag("entry")],
    Discriminator(lambda value: "path" if isinstance(value, str) else "entry"),
]
