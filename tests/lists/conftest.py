"""A small list in every format, made here; no value belongs to a real list."""

from __future__ import annotations

import base64
import hashlib
import json
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest


def md5(number: int) -> str:
    return hashlib.md5(b"%d" % number).hexdigest()


def sha1(number: int) -> str:
    return hashlib.sha1(b"%d" % number).hexdigest()


def sha256(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def photodna(number: int) -> str:
    return base64.b64encode(hashlib.sha512(b"%d" % number).digest() * 2 + bytes(16)).decode()


COUNT = 12


def _vics(cases: bool) -> bytes:
    media = [
        {
            "MediaID": n,
            "Category": n % 4,
            "MD5": md5(n).upper(),
            "SHA1": sha1(n).upper(),
            "PhotoDNA": photodna(n),
            "MediaSize": str(1000 + n),
            "IsPrecategorized": "false" if n % 2 else True,
            "DateUpdated": "2031-01-02T03:04:05-05:00",
            "VendorScore": 1.25,
            "MediaFiles": [{"MD5": md5(n), "FileName": f"{n}.jpg", "FilePath": f"vol\\{n}.jpg"}],
        }
        for n in range(COUNT)
    ]
    what = "Cases" if cases else "Media"
    context = f"http://github.com/VICSDATAMODEL/ProjectVic/DataModels/2.0.xml/US/$metadata#{what}"
    case = {"CaseID": "{1}", "CaseNumber": "EX-1", "Media": media, "VendorCase": {"a": [1]}}
    document = {"@odata.context": context, "value": [case] if cases else media}
    return json.dumps(document, indent=1).encode()


def _ncmec() -> bytes:
    records = "".join(
        f'<image><member id="901">Example Co</member><timestamp>2031-01-02T03:04:{n:02}Z'
        f"</timestamp><id>ex-{n}</id><classification>B2</classification><fingerprints>"
        f"<md5>{md5(n)}</md5><pdq>{sha256(n)}</pdq></fingerprints></image>\n"
        for n in range(COUNT)
    )
    return (
        '<queryResult xmlns="https://hashsharing.ncmec.org/hashsharing/v2">\n'
        f'<images count="{COUNT}" maxTimestamp="2031-01-02T03:04:59Z">\n{records}</images>\n'
        "</queryResult>\n"
    ).encode()


def _sqlite(
    path: Path, statements: list[str], rows: list[tuple[str, list[tuple[object, ...]]]]
) -> bytes:
    connection = sqlite3.connect(path)
    for statement in statements:
        connection.execute(statement)
    for statement, values in rows:
        connection.executemany(statement, values)
    connection.commit()
    connection.close()
    return path.read_bytes()


def _kdb(path: Path) -> bytes:
    hashes = [(n + 1, bytes.fromhex(md5(n)), bytes.fromhex(sha1(n))) for n in range(COUNT)]
    return _sqlite(
        path,
        [
            "CREATE TABLE db_properties (name TEXT NOT NULL, value TEXT)",
            "INSERT INTO db_properties VALUES ('Schema Version', '1')",
            "CREATE TABLE hashes (id INTEGER PRIMARY KEY AUTOINCREMENT, md5 BINARY(16) UNIQUE, "
            "sha1 BINARY(20), sha2_256 BINARY(32))",
            "CREATE TABLE file_names (name TEXT NOT NULL, hash_id INTEGER NOT NULL)",
            "CREATE TABLE comments (comment TEXT NOT NULL, hash_id INTEGER NOT NULL)",
        ],
        [
            ("INSERT INTO hashes VALUES (?, ?, ?, NULL)", list(hashes)),
            ("INSERT INTO file_names VALUES (?, ?)", [(f"{n}.jpg", n + 1) for n in range(COUNT)]),
            ("INSERT INTO comments VALUES (?, ?)", [("seen", 1)]),
        ],
    )


def _nsrl(path: Path) -> bytes:
    rows = [(sha256(n).upper(), sha1(n).upper(), md5(n).upper(), "f") for n in range(COUNT)]
    return _sqlite(
        path,
        [
            "CREATE TABLE METADATA (sha256 VARCHAR, sha1 VARCHAR, md5 VARCHAR, file_name VARCHAR)",
            "CREATE VIEW FILE AS SELECT DISTINCT sha256, sha1, md5 FROM METADATA",
        ],
        [("INSERT INTO METADATA VALUES (?, ?, ?, ?)", list(rows))],
    )


def _encase() -> bytes:
    header = bytearray(1152)
    header[:8] = b"HASH\r\n\xff\x00"
    header[1032:1048] = "my set\0\0".encode("utf-16-le")
    return bytes(header) + b"".join(bytes.fromhex(md5(n)) + b"\0\0" for n in range(COUNT))


_HSH = (
    '"file_id","hashset_id","file_name","directory","hash","file_size","date_modified",'
    '"time_modified","time_zone","comments","date_accessed","time_accessed"\n'
)
_ICSE = (
    "MD5;SHA1;PhotoDNA;Image ID;Is distributed;Victim identified;Offender identified;"
    "Series name;Number of submissions;File Available;Media Type;Baseline;Agency\n"
)


def make_samples(folder: Path) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Return the bytes of each format's sample and what to say when reading it."""
    n = range(COUNT)
    texts = {
        "text": "".join(f"{md5(i)}\n" for i in n),
        "pdq-text": "".join(f"{sha256(i)},note {i}\n" for i in n),
        "sums": "".join(f"{sha1(i)}  file {i}.jpg\n" for i in n),
        "hashdeep": "%%%% HASHDEEP-1.0\n%%%% size,md5,sha256,filename\n## x\n"
        + "".join(f"{i},{md5(i)},{sha256(i)},/a, b/{i}.jpg\n" for i in n),
        "csv": "id,md5,category,note\n" + "".join(f'{i},{md5(i)},{i % 3},"a, {i}"\n' for i in n),
        "icse": _ICSE
        + "".join(f"{md5(i)};{sha1(i)};{photodna(i)};{i};y;N;false;s;2;t;image;Yes;x\n" for i in n),
        "threatexchange-csv": "signal_type,signal_str,collab,category,tags\n"
        + "".join(f"pdq,{sha256(i)},c,POSITIVE_CLASS,a b\n" for i in n),
        "threatexchange-text": "".join(f"pdq {sha256(i)}\n" for i in n),
        "nsrl-text": '"SHA-1","MD5","CRC32","FileName","FileSize","ProductCode","OpSystemCode",'
        '"SpecialCode"\n'
        + "".join(f'"{sha1(i)}","{md5(i)}","0","k\u00e4se.txt",{i},1,"x",""\n' for i in n),
        "hashkeeper": _HSH
        + "".join(f'{i},1,"f{i}","d","{md5(i)}",5,"","","","","",""\n' for i in n),
        "jsonl": "".join(
            json.dumps(
                {"id": f"e{i}", "hashes": [{"type": "pdq", "hex": sha256(i), "quality": 80}]}
            )
            + "\n"
            for i in n
        ),
    }
    encodings = {"nsrl-text": "latin-1"}
    samples = {name: text.encode(encodings.get(name, "utf-8")) for name, text in texts.items()}
    samples["vics"] = _vics(cases=False)
    samples["vics-case"] = _vics(cases=True)
    samples["ncmec"] = _ncmec()
    samples["nsrl"] = _nsrl(folder / "nsrl.db")
    samples["kdb"] = _kdb(folder / "made.kdb")
    samples["encase"] = _encase()
    said = {"pdq-text": {"hash_type": "pdq"}}
    return {name: (data, said.get(name, {})) for name, data in samples.items()}


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[bytes, dict[str, str]]]:
    """Return a sample of every format: its bytes, and what to say when reading it."""
    return make_samples(tmp_path_factory.mktemp("samples"))


@pytest.fixture(scope="session")
def count() -> int:
    """Return how many entries each sample has."""
    return COUNT


@pytest.fixture(scope="session")
def fake() -> dict[str, Callable[[int], str]]:
    """Return makers of hash values that belong to nothing, by hash type."""
    return {"md5": md5, "sha1": sha1, "sha256": sha256, "pdq": sha256, "photodna": photodna}
