"""Files of test cases, which `rolecall test` parses."""

from __future__ import annotations

from rolecall.cli.sources.found import CaseDocument, Found
from rolecall.cli.sources.kind import Document, FileKind, Outline


def _recognises(outline: Outline) -> bool:
    return outline.has("cases")


def _read(document: Document, found: Found) -> None:
    found.case_documents.append(CaseDocument(document.path, document.text, document.root))


CASES = FileKind(
    name="a file of test cases", recognises=_recognises, read=_read, elsewhere="`rolecall test` runs the cases"
)
