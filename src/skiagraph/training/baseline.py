"""What any model must beat: the same answer always, and a linear model or a threshold on plain brightness."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

from skiagraph import codes
from skiagraph.case import Case, Dataset, Sample
from skiagraph.codes import Code
from skiagraph.errors import InvalidInput, SkiagraphError
from skiagraph.findings import Classification, ClassScore, Finding, Measurement, Segment, Segmentation
from skiagraph.image import Image
from skiagraph.task import Recipe
from skiagraph.training.plain_features import level_of, plain_features

__all__ = ["Band", "Baseline", "fitted_baselines"]

_CASES: Final = 2000  # that numbers are learnt from; of more, so many evenly spread
_MASKS: Final = 200  # that bands of brightness are learnt from
_LEVELS: Final = 64
_STRENGTH: Final = 0.1  # of the logistic regression: C of scikit-learn, on features of unit variance
_ALPHAS: Final = tuple(float(a) for a in np.logspace(-2, 4, 13))

Part: TypeAlias = Callable[[Image, NDArray[np.float64]], tuple[Finding, ...]]
"""From an image and its plain features to findings."""


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Baseline:
    """A model that needs no network.

    Args:
        name: ``"constant"`` (the same answer always; of outlines: nothing anywhere) or ``"simple"`` (logistic and
            ridge regression on plain features; of outlines: a band of brightness).
        image: Name of the image that it reads.
        parts: What it answers, one part a kind of answer.
        fitted_on: Cases that it learnt from.
    """

    name: str
    image: str
    parts: tuple[Part, ...]
    fitted_on: int

    def __call__(self, case: Case, /) -> tuple[Finding, ...]:
        """All its answers about one case; none where the case has no such image."""
        image = case.images.get(self.image)
        if image is None:
            return ()
        features = plain_features(image) if self.name == "simple" else np.zeros(0)
        return tuple(finding for part in self.parts for finding in part(image, features))


@dataclass(slots=True, kw_only=True)
class _Gathered:
    """What is kept of the cases that are learnt from."""

    features: list[NDArray[np.float64]] = field(default_factory=list)
    classes: list[Classification | None] = field(default_factory=list)
    values: dict[Code, list[tuple[int, Measurement]]] = field(default_factory=dict)
    inside: NDArray[np.float64] | None = None
    every: NDArray[np.float64] | None = None


def fitted_baselines(
    dataset: Dataset, recipe: Recipe, *, measured: Sequence[Code] = ()
) -> tuple[Baseline, Baseline]:
    """The constant and the simple baseline of what a model answers.

    Args:
        dataset: The cases that the model learns from, never those that it is judged on. Of more than 2000 (outlines:
            200) so many are taken, evenly spread. Cases that cannot be read are left out.
        recipe: Of the model: its task, its image, its labels.
        measured: Concepts that are measured beside the answer of the network.

    Raises:
        InvalidInput: No case can be used.
    """
    held = _gathered(dataset, recipe, measured)
    if not held.features:
        raise InvalidInput("baselines are fitted on cases that can be read", got="none")
    constant: list[Part] = []
    simple: list[Part] = []
    if recipe.task == "classification":
        always, linear = _class_parts(held, recipe)
        constant.append(always)
        simple.append(linear)
    if recipe.task == "segmentation":
        bands = tuple(_band(held, n) for n in range(len(recipe.labels)))
        constant.append(_Nothing(labels=recipe.labels))
        simple.append(_Bands(labels=recipe.labels, bands=bands))
    for concept, items in held.values.items():
        constant.append(_Always(_constant_value(concept, items)))
        simple.append(_value_part(held, concept, items))
    n = len(held.features)
    return (
        Baseline(name="constant", image=recipe.image, parts=tuple(constant), fitted_on=n),
        Baseline(name="simple", image=recipe.image, parts=tuple(simple), fitted_on=n),
    )


def _gathered(dataset: Dataset, recipe: Recipe, measured: Sequence[Code]) -> _Gathered:
    held = _Gathered()
    concepts = (*(recipe.labels if recipe.task == "regression" else ()), *measured)
    for image, true in _usable(dataset, recipe):
        place = len(held.features)
        held.features.append(plain_features(image))
        held.classes.append(
            next((f for f in true if isinstance(f, Classification) and f.concept == recipe.concept), None)
        )
        for finding in true:
            if isinstance(finding, Measurement) and finding.concept in concepts:
                held.values.setdefault(finding.concept, []).append((place, finding))
            elif isinstance(finding, Segmentation) and recipe.task == "segmentation":
                _count_levels(held, image, finding, recipe.labels)
    return held


def _usable(dataset: Dataset, recipe: Recipe) -> Iterator[tuple[Image, tuple[Finding, ...]]]:
    samples: Sequence[Sample] = dataset.samples
    most = _MASKS if recipe.task == "segmentation" else _CASES
    places = np.unique(np.linspace(0, len(samples) - 1, min(most, len(samples))).astype(np.intp))
    for sample in (samples[int(i)] for i in places):
        try:
            images, true = sample.case().images, sample.reference()
            if recipe.image in images:
                yield images[recipe.image], true
        except SkiagraphError:
            continue  # who trains or evaluates names the cases that cannot be read


def _count_levels(held: _Gathered, image: Image, true: Segmentation, labels: Sequence[Code]) -> None:
    """Adds to the histograms of brightness: inside of each structure, and of all places where it is told."""
    if true.space != image.space or true.space.timeline is not None:
        return
    level = _numbered(level_of(image))
    none = np.zeros((2, len(labels), _LEVELS))
    held.inside, held.every = (
        n if h is None else h for n, h in zip(none, (held.inside, held.every), strict=True)
    )
    numbers = {segment.code: segment.number for segment in true.segments}
    judged = ~true.mask(numbers[codes.IGNORE]) if codes.IGNORE in numbers else np.ones(level.shape, np.bool_)
    for n, code in enumerate(labels):
        if code in numbers or not numbers:
            held.every[n] += np.bincount(level[judged], minlength=_LEVELS)
        if code in numbers:
            held.inside[n] += np.bincount(level[true.mask(numbers[code]) & judged], minlength=_LEVELS)


def _numbered(level: NDArray[np.float64]) -> NDArray[np.intp]:
    return np.asarray(np.minimum(level * _LEVELS, _LEVELS - 1).astype(np.intp))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """Levels of brightness, as shares of the range of the image, that count as a structure.

    Args:
        low: From here.
        high: To here.
        share: Of all places in the band, those that belong to the structure.
    """

    low: float
    high: float
    share: float


def _band(held: _Gathered, n: int) -> Band:
    """The band of levels with the highest Dice over all places of all cases: a threshold where it reaches an end."""
    inside, every = (np.zeros(_LEVELS) if h is None else h[n] for h in (held.inside, held.every))
    right, taken = (np.concatenate([[0.0], np.cumsum(h)]) for h in (inside, every))
    starts, ends = np.triu_indices(_LEVELS + 1, 1)
    hits, all_taken = right[ends] - right[starts], taken[ends] - taken[starts]
    dice = 2 * hits / np.maximum(all_taken + inside.sum(), 1)
    best = int(dice.argmax())
    share = float(hits[best] / max(all_taken[best], 1))
    return Band(low=float(starts[best]) / _LEVELS, high=float(ends[best]) / _LEVELS, share=share)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Nothing:
    """All background."""

    labels: tuple[Code, ...]

    def __call__(self, image: Image, _features: NDArray[np.float64]) -> tuple[Finding, ...]:
        return (_outlined(image, np.zeros(image.space.shape, np.uint8), self.labels),)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class _Bands:
    """Each structure where the brightness lies in its band; where bands overlap, the likeliest."""

    labels: tuple[Code, ...]
    bands: tuple[Band, ...]

    def __call__(self, image: Image, _features: NDArray[np.float64]) -> tuple[Finding, ...]:
        level = _numbered(level_of(image)) / _LEVELS
        found = np.zeros(level.shape, np.uint16)
        for n in np.argsort([band.share for band in self.bands]).tolist():
            found[(level >= self.bands[n].low) & (level < self.bands[n].high)] = n + 1
        return (_outlined(image, found, self.labels),)


def _outlined(image: Image, labels: NDArray[Any], codes: tuple[Code, ...]) -> Segmentation:
    if image.space.timeline is not None:
        labels = np.broadcast_to(labels, (len(image.space.timeline), *labels.shape))
    segments = tuple(Segment(number=n, code=code) for n, code in enumerate(codes, 1))
    return Segmentation(space=image.space, labels=labels, segments=segments)


@final
class _Always:
    """The same findings of every case."""

    __slots__ = ("_findings",)

    def __init__(self, *findings: Finding) -> None:
        self._findings = findings

    def __call__(self, _image: Image, _features: NDArray[np.float64]) -> tuple[Finding, ...]:
        return self._findings


def _constant_value(concept: Code, items: Sequence[tuple[int, Measurement]]) -> Measurement:
    """The median, which has the least mean absolute error of all constants."""
    value = float(np.median([m.value for _, m in items]))
    return Measurement(concept=concept, value=value, unit=items[0][1].unit)


def _value_part(held: _Gathered, concept: Code, items: Sequence[tuple[int, Measurement]]) -> Part:
    unit, values = items[0][1].unit, [m.value for _, m in items]
    if len(items) < 3:
        return _Always(_constant_value(concept, items))
    model = make_pipeline(StandardScaler(), RidgeCV(alphas=_ALPHAS))
    model.fit(_alike([held.features[place] for place, _ in items]), values)

    def part(_image: Image, features: NDArray[np.float64]) -> tuple[Finding, ...]:
        return (Measurement(concept=concept, value=float(model.predict(features[None])[0]), unit=unit),)

    return part


def _alike(features: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    if len({len(f) for f in features}) != 1:
        raise InvalidInput("the images of a data set all are planes or all volumes", got="both")
    return np.stack(features)


def _class_parts(held: _Gathered, recipe: Recipe) -> tuple[Part, Part]:
    """The shares of the classes, and logistic regression; a label that has one answer only keeps its share."""
    known = [(f, c) for f, c in zip(held.features, held.classes, strict=True) if c is not None]
    if not known:
        raise InvalidInput("baselines are fitted on cases with a reference", got="none")
    x = _alike([f for f, _ in known])
    truth = np.array([_row(c, recipe.labels) for _, c in known])
    exclusive = recipe.activation != "sigmoid"
    shares = np.nansum(truth, axis=0) / np.maximum((~np.isnan(truth)).sum(axis=0), 1)
    always = _Always(_classified(shares, recipe))
    if exclusive:
        model = _logistic(x, truth.argmax(axis=1))
        return always, _Linear(recipe=recipe, shares=shares, models={None: model} if model else {})
    models: dict[int | None, Pipeline] = {}
    for n in range(truth.shape[1]):
        there = ~np.isnan(truth[:, n])
        one = _logistic(x[there], truth[there, n] >= 0.5)
        if one is not None:
            models[n] = one
    return always, _Linear(recipe=recipe, shares=shares, models=models)


def _row(found: Classification, labels: Sequence[Code]) -> list[float]:
    told = {s.code: s.probability for s in found.scores}
    missing = 0.0 if found.exclusive else np.nan
    return [told.get(code, missing) for code in labels]


def _logistic(x: NDArray[np.float64], y: NDArray[Any]) -> Pipeline | None:
    if len(np.unique(y)) < 2:
        return None
    model = make_pipeline(StandardScaler(), LogisticRegression(C=_STRENGTH, max_iter=1000))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # a baseline that is nearly there will do
        model.fit(x, y)
    return model


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Linear:
    """Logistic regression: of exclusive classes one model, else one for each label; without a model its share."""

    recipe: Recipe
    shares: NDArray[np.float64]
    models: Mapping[int | None, Pipeline]

    def __call__(self, _image: Image, features: NDArray[np.float64]) -> tuple[Finding, ...]:
        p = self.shares.copy()
        for n, model in self.models.items():
            told = model.predict_proba(features[None])[0]
            if n is not None:
                p[n] = told[1]
            else:
                p = np.zeros(len(self.shares))
                p[model.classes_.astype(np.intp)] = told
        return (_classified(p, self.recipe),)


def _classified(p: NDArray[np.float64], recipe: Recipe) -> Classification:
    if recipe.concept is None:
        raise InvalidInput("the recipe of a classification has a concept", got="none")
    exclusive = recipe.activation != "sigmoid"
    p = p / p.sum() if exclusive else p
    scores = tuple(ClassScore(code=c, probability=float(q)) for c, q in zip(recipe.labels, p, strict=True))
    return Classification(concept=recipe.concept, scores=scores, exclusive=exclusive)
