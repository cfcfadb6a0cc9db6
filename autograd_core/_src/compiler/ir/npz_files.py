"""Reads npz files that nobody vouches for: no pickles, and no more memory than their own bytes fill.

`np.load` trusts what a header says, and makes an array of that size before it reads one number.
"""

from __future__ import annotations

import io
import math
from typing import IO, TYPE_CHECKING, Any
from zipfile import ZipFile

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

MOST_ARRAY_BYTES = 2**30  # of all arrays together: some 60 million instructions
HEADERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def arrays_in(file: IO[bytes], names: Iterable[str]) -> dict[str, Any]:
    """Arrays of an npz file.

    Args:
        file: It is open for reading.
        names: Which arrays.

    Returns:
        The arrays by name; they can be written to.

    Raises:
        ValueError: An array is no plain one, or its header does not fit it; all together are too large.
        Exception: Whatever zipfile and NumPy raise over damage.
    """
    with ZipFile(file) as archive:
        members = {name: archive.getinfo(f"{name}.npy") for name in names}
        total = sum(member.file_size for member in members.values())
        if total > MOST_ARRAY_BYTES:
            msg = f"expected at most {MOST_ARRAY_BYTES} bytes of arrays, got {total}"
            raise ValueError(msg)
        return {name: _array(archive.read(member)) for name, member in members.items()}


def _array(content: bytes) -> Any:
    """One array, of as many numbers as are there."""
    file = io.BytesIO(content)
    shape, fortran, dtype = HEADERS[np.lib.format.read_magic(file)](file)
    if dtype.hasobject:
        msg = "objects are not loaded, as with allow_pickle=False"
        raise ValueError(msg)
    body = bytearray(content[file.tell() :])
    if math.prod(shape) * dtype.itemsize != len(body):
        msg = f"expected an array of shape {shape} and {dtype} in {len(body)} bytes"
        raise ValueError(msg)
    return np.ndarray(shape, dtype, body, order="F" if fortran else "C")
