"""Printing a Giấy khen: a certificate's lines and a typst template become PDF bytes."""

import json
from dataclasses import asdict
from datetime import datetime, time
from pathlib import Path
from threading import Lock
from typing import Final

import typst

from services.awards.domain.certificate import Certificate
from shared.calendar import WARD_ZONE

TEMPLATE = Path(__file__).with_name("giay-khen.typ")
FONTS = Path(__file__).with_name("fonts")
ARCHIVAL: Final = "a-2u"
"""PDF/A-2u: kept readable for decades, and typst refuses a letter that no font has."""


class PrintingError(Exception):
    """The template cannot print this certificate; says what typst says."""


class Printer:
    """Prints with one template. Equal certificates give equal bytes on every machine.

    Only the fonts beside this module and in the template's folder are seen, never the machine's.
    `emblem` is an image (PNG, JPEG or SVG); without it the template prints an ornament. Raises
    FileNotFoundError when one of the two files is missing. Threads may share a printer.
    """

    def __init__(self, template: Path = TEMPLATE, emblem: Path | None = None) -> None:
        main = template.resolve(strict=True)
        folders = [FONTS] if FONTS.is_relative_to(main.parent) else [FONTS, main.parent]
        fonts = typst.Fonts(
            include_system_fonts=False, include_embedded_fonts=False, font_paths=[*folders]
        )
        self._compiler = typst.Compiler(main, root=main.parent, font_paths=fonts)
        self._emblem = json.dumps(list(emblem.read_bytes())) if emblem else ""
        self._lock = Lock()

    def print(self, certificate: Certificate) -> bytes:
        """The certificate as PDF. Raises PrintingError."""
        inputs = {"certificate": json.dumps(asdict(certificate), default=str)}
        if self._emblem:
            inputs["emblem"] = self._emblem
        midnight = datetime.combine(certificate.issued_on, time(), WARD_ZONE)
        try:
            with self._lock:
                pdf = self._compiler.compile(
                    format="pdf",
                    sys_inputs=inputs,
                    pdf_standards=ARCHIVAL,
                    timestamp=int(midnight.timestamp()),
                )
        except typst.TypstError as error:
            raise PrintingError(error.diagnostic or error.message) from error
        if not isinstance(pdf, bytes):
            raise PrintingError("typst gave no PDF")
        return pdf
