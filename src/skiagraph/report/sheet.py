"""What stands where in the PDF of a report: plain data, which the template only sets."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Final, TypeAlias, final

from skiagraph.case import Report
from skiagraph.findings import Measurement, Segmentation
from skiagraph.report.picture import Mark, Picture
from skiagraph.report.reading import Input, Reading
from skiagraph.report.view import LANGUAGE_TAGS, View, refusal_of, unsized
from skiagraph.report.words import Language, phrase
from skiagraph.task import Card

__all__ = ["Sheet"]

_FIGURES: Final = 8  # two rows of large numbers; the table below has all of them

# Label, value (a text or a list of them), and how it is set: "", "english" (in every language) or "code".
Row: TypeAlias = tuple[str, str | tuple[str, ...], str]


def _stamp(time: datetime) -> str:
    return time.strftime("%Y-%m-%d %H:%M %Z")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@final
class Sheet:
    """What stands where in the PDF, part by part, in the language of the report.

    Args:
        lang: Of labels and sentences.
    """

    def __init__(self, lang: Language) -> None:
        self.lang = lang
        self.view = View(lang)
        self.t: Callable[..., str] = lambda key, **parts: phrase(key, lang, **parts)

    def content(self, reading: Reading, picture: Picture) -> dict[str, Any]:
        """All that the template sets."""
        t, findings = self.t, reading.report.findings
        measurements = [f for f in findings if isinstance(f, Measurement)]
        return {
            "lang": LANGUAGE_TAGS[self.lang],
            "title": t("title"),
            "case": reading.report.case,
            "running": f"Skiagraph · {t('title')} · {_cut(reading.report.case, 40)}",
            "facts": [
                (t("case"), reading.report.case),
                (t("made"), _stamp(findings.provenance.created)),
            ],
            "state": reading.report.state,
            **self.status(reading.report),
            "notice": self.notice(reading),
            "figures": [
                (self.view.word(m.concept), self.view.brief(m), self.view.interval(m))
                for m in measurements[:_FIGURES]
            ],
            "picture": self.picture(picture, reading.given),
            "measurements": self.measurements(measurements),
            "findings": self.listed(
                "findings",
                self.view.written(reading.report) or self.view.sentences(findings, reading.reasons),
            ),
            "reasons": self.reasons(reading),
            "confidence": self.confidence(reading),
            "looked-at": self.looked_at(reading),
            "model": self.model(reading.card),
            "scores": self.scores(reading.card),
            "provenance": self.provenance(reading.report),
            "references": self.listed("references", self.view.references(measurements, reading.card)),
            "signature": self.signature(reading.report),
            "footer": t("footer"),
            "page": t("page", n="{n}", total="{total}"),
        }

    def listed(self, title: str, items: list[str]) -> dict[str, Any] | None:
        """A part that is a list; None where it is empty."""
        return {"title": self.t(title), "items": items} if items else None

    def status(self, report: Report) -> dict[str, str]:
        """Whether somebody stands for the report, and what it replaces."""
        t, signature, old = self.t, report.signature, report.previous
        if signature is None:
            return {"status": t("state-draft"), "banner": t("banner-draft"), "replaces": ""}
        by = {"reader": signature.reader, "time": _stamp(signature.signed)}
        replaces = ""
        if report.state == "amended" and old is not None and old.signature is not None:
            before = {"reader": old.signature.reader, "time": _stamp(old.signature.signed)}
            replaces = t("replaces", n=old.version, **before)
        return {
            "status": t(f"state-{report.state}"),
            "banner": t(f"banner-{report.state}", reason=report.reason, **by),
            "replaces": replaces,
        }

    def notice(self, reading: Reading) -> dict[str, Any] | None:
        """Why there is no measurement, or none in millimetres."""
        t, refusal = self.t, refusal_of(reading.report.findings)
        if refusal is not None:
            fit = [] if refusal.score is None else [t("fit", score=f"{refusal.score:.2f}")]
            return {
                "title": t("refused-title"),
                "lead": self.view.word_first(t(f"reason-{refusal.reason}")),
                "english": refusal.explanation,
                "lines": [*fit, t("refused-next")],
            }
        if unsized(reading):
            return {
                "title": t("no-size-title"),
                "lines": [t("no-size")],
                "code": t("no-size-command"),
                "small": t("no-size-hint"),
            }
        return None

    def picture(self, picture: Picture, given: tuple[Segmentation, ...]) -> dict[str, Any]:
        """The picture and what is drawn over it, in units in which a row is 1 high."""
        t, names = self.t, self.view.names(picture)
        return {
            "width": picture.width,
            "height": picture.height,
            "alt": t("picture-alt") + (" " + t("picture-marks", items=names) if names else ""),
            "slice": t("picture-slice", n=picture.slice[0], total=picture.slice[1]) if picture.slice else "",
            "marks": [self.mark(mark, picture) for mark in picture.marks],
            "given": t("label", name=t("given-caption"), value=self.view.given(given)) if given else "",
            "legend": [self.key(mark) for mark in self.view.legend(picture)],
        }

    def mark(self, mark: Mark, picture: Picture) -> dict[str, Any]:
        """One mark with its place and, where it is no outline, its name."""
        return {
            "shape": mark.shape,
            "tone": mark.tone,
            "points": mark.points.round(2).tolist(),
            "name": "" if mark.shape == "outline" else self.view.short(mark.code),
            "at": self.view.label(mark, picture),
        }

    def key(self, mark: Mark) -> dict[str, Any]:
        """One line of the legend."""
        name, brief = self.view.word(mark.code), self.view.short(mark.code)
        more = mark.shape == "line" and brief.lower() != name.lower()
        return {"shape": mark.shape, "tone": mark.tone, "name": f"{name} ({brief})" if more else name}

    def measurements(self, measurements: list[Measurement]) -> dict[str, Any] | None:
        """The table of all values with their intervals."""
        t, view = self.t, self.view
        if not measurements:
            return None
        return {
            "title": t("measurements"),
            "head": [t("measure"), t("value"), view.interval_title(measurements), t("method")],
            "rows": [
                (view.word(m.concept), view.value(m), view.interval(m) or "–", m.method or "–")
                for m in measurements
            ],
        }

    def reasons(self, reading: Reading) -> dict[str, Any]:
        """Which features decided each answer."""
        t = self.t
        return {
            "head": [t("feature"), t("here"), t("typical"), t("added")],
            "tables": self.view.tables(reading.reasons),
            "rest": self.view.untold(reading.reasons),
        }

    def confidence(self, reading: Reading) -> dict[str, Any] | None:
        """How sure the model is of each outline that it says so about."""
        t, view = self.t, self.view
        found = [f for f in reading.report.findings if isinstance(f, Segmentation)]
        told = [(s, s.confidence) for f in found for s in f.segments if s.confidence is not None]
        items = [
            {
                "label": f"{t('label', name=view.word(s.code), value=view.sure(s))} ({sure:.2f})",
                "share": sure,
                "text": t("confidence-text", name=view.plain_word(s.code), percent=f"{100 * sure:.0f}"),
            }
            for s, sure in told
        ]
        return {"title": t("confidence"), "items": items} if items else None

    def looked_at(self, reading: Reading) -> dict[str, Any]:
        """The images, and what was noticed while they were read."""
        t, inputs = self.t, [self.input(one) for one in reading.inputs]
        if reading.given:
            inputs[0].append(
                (t("given-outline"), self.view.given(reading.given) + t("comma") + t("given"), "")
            )
        return {
            "title": t("looked-at"),
            "inputs": inputs,
            "problems-title": t("problems"),
            "problems": reading.problems,
            "no-problems": t("no-problems"),
        }

    def input(self, one: Input) -> list[Row]:
        """One image."""
        t = self.t
        rows: list[Row] = [
            (t("image"), one.name, ""),
            (t("modality"), self.view.modality(one), ""),
            (t("size"), " × ".join(map(str, one.shape)), ""),
            (t("spacing-3") if len(one.shape) == 3 else t("spacing"), self.view.spacing(one), ""),
            (t("digest"), one.digest, "code"),
            (t("uid"), one.uid or "", "code"),
        ]
        return [row for row in rows if row[1]]

    def model(self, card: Card) -> dict[str, Any]:
        """The card of the model in short."""
        t = self.t
        rows: list[Row] = [
            (t("name"), f"{card.name} {card.version}", ""),
            (t("purpose"), card.summary, "english"),
            (t("intended-use"), card.intended_use, "english"),
            (t("limits"), card.limits, "english"),
            (t("training-data"), "; ".join(card.data), "english"),
            (t("licence"), card.licence, "english"),
        ]
        return {"title": t("model"), "rows": [row for row in rows if row[1]]}

    def scores(self, card: Card) -> dict[str, Any] | None:
        """How good the model was measured to be."""
        t, number = self.t, self.view.number
        if not card.scores:
            return None
        return {
            "title": t("scores"),
            "head": [t("score-name"), t("value"), t("interval", level=95), t("score-n"), t("score-on")],
            "rows": [
                (
                    s.name,
                    f"{number(s.value)} {s.unit}".rstrip(),
                    t("to", low=number(s.low), high=number(s.high)),
                    str(s.n),
                    s.on,
                )
                for s in card.scores
            ],
        }

    def provenance(self, report: Report) -> dict[str, Any]:
        """With what the report was made."""
        t, p = self.t, report.findings.provenance
        seconds = "" if p.seconds is None else f"{self.view.number(p.seconds)} s"
        rows: list[Row] = [
            (t("software"), p.software or t("unknown"), ""),
            (t("model-row"), f"{p.model} {p.model_version}", ""),
            (t("model-digest"), p.model_digest, "code"),
            (t("engine"), p.engine, ""),
            (t("precision"), p.precision, ""),
            (t("made"), p.created.isoformat(timespec="seconds"), ""),
            (t("seconds"), seconds, ""),
            (t("report-id"), f"{report.identifier}, {t('version', n=report.version)}", ""),
        ]
        return {"title": t("provenance"), "rows": [row for row in rows if row[1]]}

    def signature(self, report: Report) -> dict[str, Any] | None:
        """Who signed and when; None for a draft."""
        t, signature = self.t, report.signature
        if signature is None:
            return None
        columns = [(t("reader"), signature.reader), (t("signed"), _stamp(signature.signed))]
        return {"title": t("signature"), "columns": columns}
