"""What is on the pages of a PDF that Chromium has printed: how large each text is, and where."""

import math
import re
import zlib

TOKEN = re.compile(rb"\[[^\]]*\]|\((?:\\.|[^\\)])*\)|<[^>]*>|/[^\s/\[\]<>()]+|[^\s/\[\]<>()]+")
PIXELS = 96 / 72  # of a point
MARGIN = 12 / 25.4 * 96  # of a sheet, in pixels


def printed(pdf):
    """Of each page (width, height, texts) in pixels, each text as (size, from the left, from the top).

    Chromium's own files only: no object streams, each content stream deflated, forms without resources of other names.
    """
    objects = {int(found[1]): found[2] for found in re.finditer(rb"(?<!\d)(\d+) 0 obj\b(.*?)\bendobj", pdf, re.DOTALL)}
    pages = []
    for number in _pages(objects, next(int(n) for n in re.findall(rb"/Pages (\d+) 0 R", pdf))):
        page = objects[number]
        width, height = (float(x) * PIXELS for x in re.search(rb"/MediaBox ?\[0 0 ([\d.]+) ([\d.]+)\]", page).groups())
        content = _stream(objects[int(re.search(rb"/Contents (\d+) 0 R", page)[1])])
        texts = [(size * PIXELS, x * PIXELS, height - y * PIXELS) for size, x, y in _texts(content, _forms(objects, page), (1, 0, 0, 1, 0, 0))]
        pages.append((width, height, texts))
    return pages


def _pages(objects, number):
    kids = re.search(rb"/Kids ?\[([^\]]*)\]", objects[number])
    if not kids:
        return [number]
    return [page for kid in re.findall(rb"(\d+) 0 R", kids[1]) for page in _pages(objects, int(kid))]


def _stream(written):
    head, _, body = written.partition(b"stream")
    body = body.lstrip(b"\r\n")
    return zlib.decompressobj().decompress(body) if b"/FlateDecode" in head else body


def _forms(objects, owner):
    listed = re.search(rb"/XObject ?<<(.*?)>>", owner, re.DOTALL)
    found = {name: objects[int(n)] for name, n in re.findall(rb"/(\w+) (\d+) 0 R", listed[1] if listed else b"")}
    return {name: form for name, form in found.items() if b"/Form" in form.partition(b"stream")[0]}, objects


def _texts(content, known, outer):
    forms, objects = known
    now, kept, stack, size, at = outer, [], [], 0.0, (1, 0, 0, 1, 0, 0)
    for token in TOKEN.findall(content):
        if re.fullmatch(rb"[-+.\d]+|\[.*\]|\(.*\)|<.*>|/.*", token, re.DOTALL):
            stack.append(token)
            continue
        if token == b"q":
            kept.append(now)
        elif token == b"Q":
            now = kept.pop()
        elif token == b"cm":
            now = _times([float(x) for x in stack[-6:]], now)
        elif token == b"Tf":
            size = float(stack[-1])
        elif token == b"Tm":
            at = [float(x) for x in stack[-6:]]
        elif token in (b"Tj", b"TJ") and re.search(rb"\((?:\\.|[^\\)])+\)|<[^>]+>", stack[-1]):
            a, b, c, d, x, y = _times(at, now)
            yield size * math.sqrt(abs(a * d - b * c)), x, y
        elif token == b"Do" and stack[-1][1:] in forms:
            form = forms[stack[-1][1:]]
            matrix = re.search(rb"/Matrix ?\[([^\]]*)\]", form.partition(b"stream")[0])
            inner = [float(x) for x in matrix[1].split()] if matrix else [1, 0, 0, 1, 0, 0]
            yield from _texts(_stream(form), _forms(objects, form.partition(b"stream")[0]), _times(inner, now))
        stack = []


def _times(m, n):
    a, b, c, d, e, f = m
    p, q, r, s, t, u = n
    return a * p + b * r, a * q + b * s, c * p + d * r, c * q + d * s, e * p + f * r + t, e * q + f * s + u
