"""Tables as nobody should send them: each with its name, its bytes, and what must come of it."""

import codecs
import io
import struct
import unicodedata
import zipfile
import zlib
from typing import Final

HEADER: Final = "Email,First Name,Job Title,Company\n"
GOOD: Final = "{0}@good.example,Good {0},Buyer,good.example\n"


def with_good(*rows: str) -> str:
    """The rows between two that are in order."""
    return HEADER + GOOD.format("before") + "".join(rows) + GOOD.format("after")


NAUGHTY: Final = (
    "undefined", "NULL", "(null)", "None", "NaN", "-Infinity", "true", "0x1F", "1e309", "१२३", "1/0",
    "<script>alert(1)</script>", "\"><img src=x onerror=alert(1)>", "javascript:alert(1)", "' OR 1=1; DROP TABLE x; --",
    "{{7*7}}", "{% load ui %}", "${7*7}", "%s%s%n", "%00", "../../../etc/passwd", "C:\\con\\con", "$(reboot)", "`id`",
    "=HYPERLINK(\"http://x.example\")", "=cmd|' /C calc'!A0", "+1+1", "-2+3", "@SUM(1;1)", "\u202eyad a\u202c",
    "\u200b\u200b", "\ufeffmark", "Zalgo t\u0335\u0321e\u0334\u035dx\u0336t", "田中さん", "مرحبا", "👩‍👩‍👧‍👦",
    "ﬃ", "İı", "ẞ",
    "a" * 999, "Ω≈ç√∫", "\u2028line", "\u0007bell", "\x1b[31mred", "caf\u0065\u0301",
)  # fmt: skip
"""Our own choice of texts that break programs."""


def workbook(*sheets: str, more: dict[str, str | bytes] | None = None, styles: str = "") -> bytes:
    """A workbook with these sheets' XML, put together by hand so that it can hold what no library writes."""
    spread, rel = "http://schemas.openxmlformats.org/spreadsheetml/2006/main", "http://schemas.openxmlformats.org"
    office = f"{rel}/officeDocument/2006/relationships"
    kinds = "".join(
        f'<Override PartName="/xl/worksheets/sheet{n}.xml" ContentType="application/vnd.openxmlformats-officedocument.'
        'spreadsheetml.worksheet+xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    named = "".join(f'<sheet name="S{n}" sheetId="{n}" r:id="r{n}"/>' for n in range(1, len(sheets) + 1))
    targets = "".join(
        f'<Relationship Id="r{n}" Type="{office}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, len(sheets) + 1)
    )
    styled = f'<Relationship Id="s" Type="{office}/styles" Target="styles.xml"/>' if styles else ""
    parts: dict[str, str | bytes] = {
        "[Content_Types].xml": f'<Types xmlns="{rel}/package/2006/content-types"><Default Extension="rels" ContentType='
        '"application/vnd.openxmlformats-package.relationships+xml"/><Override PartName="/xl/workbook.xml" ContentType='
        f'"application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>{kinds}</Types>',
        "_rels/.rels": f'<Relationships xmlns="{rel}/package/2006/relationships"><Relationship Id="w" Type='
        f'"{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{spread}" xmlns:r="{office}"><sheets>{named}</sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{rel}/package/2006/relationships">{targets}{styled}'
        "</Relationships>",
        **({"xl/styles.xml": f'<styleSheet xmlns="{spread}">{styles}</styleSheet>'} if styles else {}),
        **{
            f"xl/worksheets/sheet{n}.xml": f'<worksheet xmlns="{spread}"><sheetData>{rows}</worksheet>'
            for n, rows in enumerate(sheets, 1)
        },
        **(more or {}),
    }
    to = io.BytesIO()
    with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return to.getvalue()


def row(number: int, *cells: str | float, style: int | None = None) -> str:
    """A row of a sheet; texts stand in the cell, numbers carry the style."""
    told = ""
    for place, cell in enumerate(cells):
        at = f"{chr(65 + place)}{number}"
        if isinstance(cell, str):
            told += f'<c r="{at}" t="inlineStr"><is><t>{cell}</t></is></c>'
        else:
            told += f'<c r="{at}"{f" s={chr(34)}{style}{chr(34)}" if style is not None else ""}><v>{cell}</v></c>'
    return f'<row r="{number}">{told}</row>'


DATED: Final = '<cellXfs count="2"><xf numFmtId="0"/><xf numFmtId="14" applyNumberFormat="1"/></cellXfs>'
HEAD: Final = row(1, "Email", "First Name", "Create Date")


def bomb() -> bytes:
    """A small file that says of itself that it unpacks to far more than any table."""
    return workbook(HEAD + "</sheetData>", more={"xl/media/zeros.bin": b"\0" * (600 << 20)})


def liar() -> bytes:
    """A workbook whose sheet is announced as small and is large."""
    whole = bytearray(workbook(HEAD + row(2, "a@good.example", "x" * 3_000_000) + "</sheetData>"))
    at = whole.rindex(b"xl/worksheets/sheet1.xml") - 46
    struct.pack_into("<I", whole, at + 24, 100)
    return bytes(whole)


def picture() -> bytes:
    return b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)) * 40 + zlib.compress(b"\0" * 5_000)


def paper() -> bytes:
    return b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<< /Type /Catalog >>\nstream\n" + bytes(range(256)) * 40


def encoded(text: str, how: str) -> bytes:
    return {"utf-16 marked": codecs.BOM_UTF16_LE + text.encode("utf-16-le")}.get(how) or text.encode(how)


def composed(text: str) -> str:
    """As texts are kept: composed, without white space around them."""
    return unicodedata.normalize("NFC", text).strip()
