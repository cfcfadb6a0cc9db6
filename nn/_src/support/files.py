"""The file format of parameters and other learned state: JSON, which runs no code when it is read.

    {"format": "autograd-core parameters", "version": 1, "checksum": "sha256:...",
     "model": "...", "parameters": {"w.0": 0.5, ...}}

Python writes a double with as many digits as give the same double back. JSON has no infinities and no NaN, so
these are strings ("inf", "-inf", "nan"), as are exact fractions ("1/3"); no other string means a number. The
checksum covers everything else, whatever its order and spacing; a file without one is accepted, so remove that
line if you edit a file by hand.
"""

from __future__ import annotations

import json
import math
import random
import re
import struct
from contextlib import contextmanager
from hashlib import sha256
from typing import TYPE_CHECKING, Any, NamedTuple

from autograd_core import AutogradError, RangeError, StructureError
from autograd_core._src.any_object import brief
from autograd_core._src.atomic_write import write_file
from autograd_core._src.file_reading import MOST_BYTES, open_to_read

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator

VERSION = 1
NOT_FINITE = {"inf": math.inf, "-inf": -math.inf, "nan": math.nan}
FRACTION = re.compile(r"-?[0-9]+/0*[1-9][0-9]*", re.ASCII)


class Form(NamedTuple):
    """A kind of file.

    Attributes:
        format: What such a file says of itself.
        what: What it is, in messages.
        writer: What writes it.
    """

    format: str
    what: str
    writer: str


PARAMETERS = Form("autograd-core parameters", "model", "Module.save")
LEARNT = Form("autograd-core preprocessing", "preprocessing", "a scaler's or an encoder's save")
STATE = Form("autograd-core training", "training", "the save of an optimizer or a schedule")


def write(path: str | os.PathLike[str], form: Form, content: dict[str, Any]) -> None:
    """Write a file atomically: an older one is replaced only by a complete one.

    Raises:
        OSError: The place cannot be written.
        RangeError: There is a number that JSON cannot hold.
    """
    about = {"format": form.format, "version": VERSION}
    try:
        checksum = _checksum(about | content)
        text = json.dumps(about | {"checksum": checksum} | content, indent=1, allow_nan=False)
    except ValueError as error:
        msg = f"{path} was not written: expected numbers that JSON can hold, but: {error}"
        raise RangeError(msg) from None
    write_file(path, text + "\n")


def read(path: str | os.PathLike[str], form: Form) -> dict[str, Any]:
    """The contents that `write` was given; numbers in it have yet to be checked.

    Raises:
        OSError: The file cannot be read.
        StructureError: It is no file of this form, or was changed since it was written.
        RangeError: Its version is unknown here.
    """
    with open_to_read(path) as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise unfit(path, form, f"there are more than {MOST_BYTES} bytes")
    try:
        content = json.loads(data, object_pairs_hook=_once, parse_constant=_no_constant)
        known = isinstance(content, dict) and content.get("format") == form.format
        checksum = content.pop("checksum", None) if known else None
        right = checksum is None or checksum == _checksum(content)
    except (ValueError, RecursionError) as error:
        raise unfit(path, form, str(error)) from None
    if not known:
        raise unfit(path, form, 'there is no "format" of that name')
    version = content.get("version")
    if type(version) is not int or version != VERSION:
        msg = f"{path}: expected version {VERSION} of the format, got {brief(version)}; use the release that wrote it"
        raise RangeError(msg)
    if not right:
        msg = "its checksum is another: it was damaged or changed (who means the change removes the line)"
        raise unfit(path, form, msg)
    return content  # type: ignore[no-any-return]


@contextmanager
def named(path: str | os.PathLike[str]) -> Iterator[None]:
    """A context in which the library's errors name the file."""
    try:
        yield
    except AutogradError as error:
        if str(path) not in str(error):
            msg = f"{path}: {error}"
            raise type(error)(msg) from None
        raise


def unfit(path: str | os.PathLike[str], form: Form, reason: object) -> StructureError:
    """The error that explains why a file does not have this form."""
    expected = f'expected JSON with "format": "{form.format}", but {reason}'
    return StructureError(f"{path} is no {form.what} file: {expected}; pass a file that {form.writer} wrote")


def _checksum(content: dict[str, Any]) -> str:
    text = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=True)
    return f"sha256:{sha256(text.encode()).hexdigest()}"


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        msg = f"the name {brief(first_twice(name for name, _ in pairs))} stands there twice"
        raise ValueError(msg)
    return content


def first_twice(names: Iterable[str]) -> str:
    """The first name that comes a second time; "" if none does."""
    seen = set[str]()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def _no_constant(token: str) -> None:
    msg = f"{token} is no number of JSON"
    raise ValueError(msg)


def encoded(x: Any) -> Any:
    """A number as JSON.

    Raises:
        RangeError: It is a fraction of more digits than Python writes.
    """
    if isinstance(x, float):
        return x if math.isfinite(x) else str(x)
    try:
        return f"{x.numerator}/{x.denominator}"
    except ValueError as error:
        msg = f"a fraction is too long to be written: {error}"
        raise RangeError(msg) from None


def decoded(x: Any) -> Any:
    """The number that `encoded` was given.

    Raises:
        ValueError: It is none.
        OverflowError: It is an int beyond all floats.
    """
    if isinstance(x, str):
        if x in NOT_FINITE:
            return NOT_FINITE[x]
        if FRACTION.fullmatch(x):
            from fractions import Fraction  # takes 10 ms to import

            return Fraction(x)
    if isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(number := float(x)):
        return number
    msg = f"got {brief(x)}"
    raise ValueError(msg)


WORDS = struct.Struct("<625I")  # the state of Python's generator: 624 words, and which comes next


def encoded_generator(rng: random.Random) -> dict[str, Any]:
    """The state of a generator as JSON."""
    _, words, gauss = rng.getstate()
    return {"words": WORDS.pack(*words).hex(), "gauss": gauss}


def decoded_generator(state: Any) -> tuple[Any, ...]:
    """The argument for `setstate`, after trying it on another generator.

    Raises:
        ValueError: It is no such state.
    """
    try:
        gauss = state["gauss"]
        found = 3, WORDS.unpack(bytes.fromhex(state["words"])), None if gauss is None else decoded(gauss)
        random.Random().setstate(found)  # noqa: S311
    except (struct.error, TypeError, KeyError, OverflowError) as error:
        msg = f"a generator's state is none: {error!r}"
        raise ValueError(msg) from None
    return found
