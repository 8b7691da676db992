"""The results as one HTML page that needs no network and shows no imagery.

Everything is in the file: style, chart and the few lines of script that sort and filter. The
page's own policy forbids it to load anything. Every text from the evidence or the lists is
escaped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any, TextIO

_MOST_UNCHECKED = 20_000
_COLUMNS = (
    "file", "verdict", "list", "entry", "category", "hash type", "tier", "distance", "threshold",
    "orientation", "frame",
)  # fmt: skip
_NUMBERS = {"distance", "threshold", "frame"}
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
_STYLE = """
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:75rem;padding:0 1rem;
 color:#1b1f24}
h1{font-size:1.5rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem}
table{border-collapse:collapse;width:100%;font-size:13px}
th,td{border-bottom:1px solid #d8dee4;padding:.3rem .5rem;text-align:left;vertical-align:top}
td{overflow-wrap:anywhere}th{background:#f6f8fa;position:sticky;top:0}
th button{all:unset;cursor:pointer;font-weight:600}
th button:focus-visible{outline:2px solid #0969da}
.n{text-align:right;font-variant-numeric:tabular-nums}
.counts{display:flex;flex-wrap:wrap;gap:2rem}.counts table{width:auto;min-width:14rem}
input{font:inherit;padding:.3rem .5rem;width:24rem;max-width:100%;margin:.5rem 0}
.warn{background:#fff8c5;padding:.5rem .8rem;border:1px solid #d4a72c}
svg text{font-size:11px;fill:#57606a}svg rect{fill:#0969da}
"""
_SCRIPT = """
for(const table of document.querySelectorAll('table.sorted')){
 const body=table.tBodies[0],box=document.getElementById(table.dataset.filter);
 const shown=document.getElementById(table.dataset.shown);
 if(box)box.addEventListener('input',()=>{const words=box.value.toLowerCase().split(/\\s+/);let n=0;
  for(const row of body.rows){const text=row.textContent.toLowerCase();
   row.hidden=!words.every(w=>text.includes(w));n+=!row.hidden}shown.textContent=n});
 table.tHead.querySelectorAll('button').forEach((button,column)=>{let up=false;
  button.addEventListener('click',()=>{up=!up;
   const key=row=>{const cell=row.cells[column];
    return cell.classList.contains('n')?Number(cell.textContent||-1):cell.textContent};
   const rows=[...body.rows].sort((a,b)=>{const x=key(a),y=key(b);
    return(x<y?-1:x>y?1:0)*(up?1:-1)});
   body.append(...rows);
   table.tHead.querySelectorAll('th').forEach(th=>th.removeAttribute('aria-sort'));
   button.parentElement.setAttribute('aria-sort',up?'ascending':'descending')})})}
"""


def write(records: Iterable[Mapping[str, Any]], about: Mapping[str, Any], stream: TextIO) -> None:
    """Write the page.

    Parameters
    ----------
    records : iterable of mapping
        The records of a run, in order.
    about : mapping
        The run's ``summary.json``.
    stream : text file
        Opened for writing, UTF-8.
    """
    distances: dict[str, Counter[int]] = {}
    widest: dict[str, int] = {}
    hits: list[str] = []
    unchecked: list[str] = []
    left_out = 0
    for record in records:
        for hit in record["hits"]:
            hits.append(_hit_row(record, hit))
            if hit["tier"] != "exact":
                distances.setdefault(hit["hash_type"], Counter())[hit["distance"]] += 1
                widest[hit["hash_type"]] = max(widest.get(hit["hash_type"], 0), hit["max_distance"])
        if record["reason"]:
            if len(unchecked) < _MOST_UNCHECKED:
                cells = (record["path"], record["verdict"], record["reason"], record["message"])
                unchecked.append(_row(cells))
            else:
                left_out += 1
    stream.write(_head(about))
    stream.write('<div class="counts">')
    for title, counts in _counts(about["counts"]):
        stream.write(_count_table(title, counts))
    stream.write("</div>\n")
    for name, counted in sorted(distances.items()):
        stream.write(f"<h2>Distances of {escape(name)} hits</h2>\n")
        stream.write(_histogram(counted, widest[name]))
    stream.write(_table("hits", "Hits", _COLUMNS, hits))
    stream.write(
        _table("rest", "Not checked in full", ("file", "verdict", "reason", "message"), unchecked)
    )
    if left_out:
        stream.write(f"<p>{left_out:,} more are in results.jsonl.</p>\n")
    stream.write(f"<script>{_SCRIPT}</script>\n</body>\n</html>\n")


def _head(about: Mapping[str, Any]) -> str:
    lists = "; ".join(
        f"{listed['name']} version {listed['version']} ({listed['polarity']}, "
        f"{listed['entries']:,} entries)"
        for listed in about["lists"]
    )
    facts = {
        "Evidence": ", ".join(about["roots"] + about.get("hash_manifests", [])),
        "From, to": f"{about['started']}, {about['ended']}",
        "Lists": lists,
        "Snapshot": about["snapshot"],
        "Profile": about["profile"],
        "Made by": about["engine"],
    }
    rows = "".join(
        f"<tr><th scope=row>{escape(name)}</th><td>{escape(fact)}</td></tr>"
        for name, fact in facts.items()
    )
    warning = (
        ""
        if about["complete"]
        else '<p class="warn">This scan did not come to its end; go on with it with --resume.</p>'
    )
    return (
        '<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>hashmatch scan</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n"
        f"<h1>Scan for known material</h1>\n{warning}\n<table>{rows}</table>\n"
        "<p>No picture is shown or kept here. Only the verdict <b>no_match</b> means checked in "
        "full and clean.</p>\n"
    )


def _counts(counts: Mapping[str, Any]) -> Iterable[tuple[str, Mapping[str, int]]]:
    yield "Verdicts", counts["verdicts"] | {"all": counts["files"]}
    for title, name in (
        ("Lists", "lists"),
        ("Categories", "categories"),
        ("Reasons", "reasons"),
        ("Inputs", "kinds"),
    ):
        if counts[name]:
            yield title, counts[name]
    yield (
        "Of these",
        {"no pictures at all": counts["not_pictures"], "known good": counts["known_good_skipped"]},
    )


def _count_table(title: str, counts: Mapping[str, int]) -> str:
    rows = "".join(
        f'<tr><td>{escape(name)}</td><td class="n">{count:,}</td></tr>'
        for name, count in counts.items()
    )
    return f"<div><h2>{escape(title)}</h2><table>{rows}</table></div>\n"


def _histogram(counted: Counter[int], widest: int) -> str:
    """Return a bar chart of how many hits lie at each distance."""
    width, height, step = 14, 120, max(1, (widest + 1) // 16)
    most = max(counted.values())
    parts = [
        f'<svg role="img" aria-label="hits by distance" width="{width * (widest + 1) + 20}" '
        f'height="{height + 36}">'
    ]
    for distance in range(widest + 1):
        count = counted[distance]
        left = 10 + width * distance
        if count:
            tall = max(1, round(height * count / most))
            parts.append(
                f'<rect x="{left}" y="{14 + height - tall}" width="{width - 3}" height="{tall}">'
                f"<title>distance {distance}: {count:,}</title></rect>"
            )
        if distance % step == 0:
            parts.append(f'<text x="{left}" y="{height + 30}">{distance}</text>')
    return "".join(parts) + "</svg>\n"


def _table(name: str, title: str, columns: Iterable[str], rows: list[str]) -> str:
    head = "".join(
        f'<th scope="col"><button type="button">{escape(column)}</button></th>'
        for column in columns
    )
    return (
        f'<h2>{escape(title)}</h2>\n<label>Filter: <input id="{name}-filter" type="search">'
        f'</label> <span id="{name}-shown">{len(rows)}</span> of {len(rows)} rows\n'
        f'<table class="sorted" data-filter="{name}-filter" data-shown="{name}-shown">'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{''.join(rows)}</tbody></table>\n"
    )


def _hit_row(record: Mapping[str, Any], hit: Mapping[str, Any]) -> str:
    category = hit["category"]
    label = category["label"] if category else None
    shown = f"{category['scheme']}:{category['code']}" if category else ""
    listed = f"{hit['list']['name']} v{hit['list']['version']} ({hit['list']['polarity']})"
    cells = (
        record["path"],
        record["verdict"],
        listed,
        hit["entry_id"],
        f"{shown} {label}" if label else shown,
        hit["hash_type"],
        hit["tier"],
        hit["distance"],
        hit["max_distance"],
        hit["orientation"],
        hit["frame"],
    )
    return _row(cells, [column in _NUMBERS for column in _COLUMNS])


def _row(cells: Iterable[Any], numeric: list[bool] | None = None) -> str:
    texts = [escape(str("" if cell is None else cell)) for cell in cells]
    marks = numeric or [False] * len(texts)
    return (
        "<tr>"
        + "".join(
            f'<td class="n">{text}</td>' if mark else f"<td>{text}</td>"
            for text, mark in zip(texts, marks, strict=True)
        )
        + "</tr>\n"
    )
