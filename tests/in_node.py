"""Runs JavaScript in Node; numbers travel as their bits, since JSON has no -0.0, infinity or NaN."""

import json
import shutil
import struct
import subprocess

import pytest

needs_node = pytest.mark.skipif(shutil.which("node") is None, reason="there is no Node")

PRELUDE = """
const buffer = Buffer.alloc(8);
const number = h => { buffer.write(h, "hex"); return buffer.readDoubleBE(0); };
const bits = x => {
  if (typeof x !== "number") throw new TypeError(`expected a number, got ${x}`);
  buffer.writeDoubleBE(x, 0);
  return buffer.toString("hex");
};
const mapped = (x, f, leaf) => leaf(x) ? f(x)
  : ArrayBuffer.isView(x) ? Array.from(x, y => mapped(y, f, leaf)) : Array.isArray(x) ? x.map(y => mapped(y, f, leaf))
  : x && typeof x === "object" ? Object.fromEntries(Object.entries(x).map(([k, y]) => [k, mapped(y, f, leaf)])) : x;
const chunks = [];
process.stdin.on("data", chunk => chunks.push(chunk)).on("end", async () => {
  const given = mapped(JSON.parse(Buffer.concat(chunks)), h => number(h.slice(1)), x => typeof x === "string" && x[0] === "#");
  const found = await answer(given);
  process.stdout.write(JSON.stringify(mapped(found, x => "#" + bits(x), x => typeof x === "number")));
});
"""


def in_node(script, given, folder):
    """What `answer(given)`, a function that the script defines, returns; all numbers are doubles, bit for bit.

    Args:
        script: Text of a module.
        given: Lists, dicts with plain keys, floats and texts.
        folder: Where the module is put; its imports are relative to that.
    """
    (folder / "script.mjs").write_text(f"{script}\n{PRELUDE}", encoding="utf-8")
    done = subprocess.run(
        ["node", "script.mjs"], cwd=folder, input=json.dumps(_coded(given)), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return _decoded(json.loads(done.stdout))


def _coded(x):
    if isinstance(x, dict):
        return {key: _coded(y) for key, y in x.items()}
    if isinstance(x, (list, tuple)):
        return [_coded(y) for y in x]
    if isinstance(x, (int, float)):
        return f"#{struct.pack('>d', x).hex()}"
    return x


def _decoded(x):
    if isinstance(x, dict):
        return {key: _decoded(y) for key, y in x.items()}
    if isinstance(x, list):
        return [_decoded(y) for y in x]
    if isinstance(x, str) and x.startswith("#"):
        return struct.unpack(">d", bytes.fromhex(x[1:]))[0]
    return x
