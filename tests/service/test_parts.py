"""Multipart bodies: what is a file, and what is refused because two parsers might differ."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import hashmatch as hm
from hashmatch.errors import ServiceConfigError
from hashmatch.service import asgi, wsgi
from hashmatch.service.body import BodyError, BodyLimits
from hashmatch.service.dependency import CheckedUpload
from hashmatch.service.parts import Part, PartsReader, boundary_of

LIMITS = BodyLimits(max_parts=4)
Multipart = Callable[..., tuple[bytes, str]]


def read(body: bytes, *, step: int = 1_000_000) -> list[Part]:
    reader = PartsReader(b"edge", LIMITS)
    for start in range(0, len(body), step):
        reader.feed(body[start : start + step])
    return reader.finish()


@pytest.mark.parametrize("step", [1, 2, 3, 7, 64, 1_000_000])
def test_parts_are_the_same_however_they_arrive(multipart: Multipart, step: int) -> None:
    content = bytes(range(256)) * 40 + b"\r\n--edg\r\n-" + b"\r\n--edgx"
    body, _ = multipart(("note", None, b"hello"), ("file", "a.jpg", content))
    note, file = read(body, step=step)
    assert note.is_text_field()
    assert note.content.tobytes() == b"hello"
    assert not file.is_text_field()
    assert file.content.tobytes() == content


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(1, 50))
def test_any_content_comes_through(contents: list[bytes], step: int) -> None:
    body = b""
    for content in contents:
        body += b'--edge\r\nContent-Disposition: form-data; name="f"; filename="x"\r\n\r\n'
        body += content + b"\r\n"
    if any(b"\r\n--edge" in b"\r\n" + content for content in contents):
        return
    assert [p.content.tobytes() for p in read(body + b"--edge--\r\n", step=step)] == contents


@pytest.mark.parametrize(
    "part",
    [
        b'Content-Disposition: form-data; name="f"; filename="x.jpg"\r\n\r\ntext',
        b"Content-Disposition: form-data; name=\"f\"; filename*=utf-8''x.jpg\r\n\r\ntext",
        b'Content-Disposition: form-data; name="f"\r\nContent-Type: image/jpeg\r\n\r\ntext',
        b'Content-Disposition: form-data; name="f"\r\n\r\n\xff\xd8\xff\xe0',
        b'Content-Disposition: form-data; name="f"\r\n\r\nnul\0nul',
        b'Content-Disposition: form-data; name="f"\r\n\r\n' + b"x" * 70_000,
    ],
    ids=["named", "named as RFC 5987", "typed", "not text", "holds NUL", "long"],
)
def test_what_an_application_might_take_for_a_file_is_one(part: bytes) -> None:
    (found,) = read(b"--edge\r\n" + part + b"\r\n--edge--\r\n")
    assert not found.is_text_field()


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"no boundary at all",
        b'--edge\r\nContent-Disposition: form-data; name="f"\r\n\r\nnever ends',
        b"--edge\r\nContent-Disposition: form-data\r\ncontent-disposition: x\r\n\r\na\r\n--edge--",
        b"--edge\r\nContent-Transfer-Encoding: base64\r\n\r\nQUJD\r\n--edge--",
        b"--edge\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\nx\r\n--edge--",
        b"--edge\r\nA: " + b"x" * 100_000 + b"\r\n\r\nx\r\n--edge--",
    ],
    ids=["empty", "garbage", "cut", "header twice", "base64", "nested", "huge header"],
)
def test_doubtful_bodies_are_refused_without_being_quoted(body: bytes) -> None:
    with pytest.raises(BodyError) as raised:
        read(body)
    assert (raised.value.status, raised.value.reason) == (400, "malformed_multipart")
    assert "xxx" not in str(raised.value)


def test_parts_are_counted(multipart: Multipart) -> None:
    body, _ = multipart(*[("f", "x", b"y")] * 5)
    with pytest.raises(BodyError) as raised:
        read(body)
    assert raised.value.status == 413


@pytest.mark.parametrize(
    ("content_type", "boundary"),
    [
        (None, None),
        ("image/jpeg", None),
        ("application/json; charset=utf-8", None),
        ("multipart/form-data; boundary=edge", b"edge"),
        ('Multipart/Form-Data; boundary="a b"', b"a b"),
    ],
)
def test_the_boundary_is_found(content_type: str | None, boundary: bytes | None) -> None:
    assert boundary_of(content_type) == boundary


@pytest.mark.parametrize(
    "content_type",
    [
        "multipart/form-data",
        "multipart/mixed; boundary=x",
        "multipart/form-data; boundary=" + "x" * 71,
    ],
)
def test_a_multipart_body_without_a_usable_boundary_is_refused(content_type: str) -> None:
    with pytest.raises(BodyError, match="boundary"):
        boundary_of(content_type)


def test_hooks_say_at_once_that_the_parser_is_missing(
    monkeypatch: pytest.MonkeyPatch, matcher: Any
) -> None:
    monkeypatch.setitem(sys.modules, "python_multipart", None)
    gate = hm.UploadGate(matcher)
    app: Any = None
    hooks: list[Callable[[], object]] = [
        lambda: asgi.UploadCheck(app, gate, paths=["/"]),
        lambda: wsgi.UploadCheck(app, gate, paths=["/"]),
        lambda: CheckedUpload(gate),
    ]
    for make in hooks:
        with pytest.raises(ServiceConfigError, match="pip install python-multipart"):
            make()
