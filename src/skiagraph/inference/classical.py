"""Classical models: from a region or its features to a calibrated answer, by ONNX-ML; and what decided it."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import permutations
from typing import Any, Final, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from skiagraph.case import Case
from skiagraph.codes import Code
from skiagraph.errors import BundleError, InvalidInput, UnknownName
from skiagraph.features.feature import Feature
from skiagraph.features.region import Region
from skiagraph.features.sets import FAMILIES, Family
from skiagraph.features.texture.levels import Levels
from skiagraph.findings import Classification, Finding, NotApplicable, Segmentation
from skiagraph.image import Image
from skiagraph.inference.facts import class_probabilities, classified, gaussians, measured
from skiagraph.inference.regions import masked, regions_of
from skiagraph.plain import from_plain
from skiagraph.task import Bundle, Card, Contribution, Described, Explanation, Recipe

__all__ = [
    "ClassicalModel",
    "Contribution",
    "Describe",
    "Explanation",
    "GraphOfFeatures",
    "classical_model",
    "described",
    "explained",
    "logits_of",
    "masked",
]

Describe: TypeAlias = Callable[..., tuple[Feature, ...]]
"""From a region, with parameters as keywords, to features."""

_SURE: Final = (
    1e-4  # probabilities closer to 0 than this are not told apart by the cases that a model is taught with
)
_METHOD: Final = (
    "Regression on features of a region; the interval holds the true value in {level:g} % of cases."
)
_EXACT: Final = 6  # features up to which every order is gone through
_ORDERS: Final = 100


@final
class GraphOfFeatures:
    """Runs the graph of a classical model with ONNX Runtime.

    Args:
        graph: The graph as bytes: of ``features``, float64 of shape (cases, columns), NaN where there is no value, it
            makes ``scores``.
        name: Of the model, for messages.

    Raises:
        BundleError: The graph cannot be read.
    """

    def __init__(self, graph: bytes, name: str) -> None:
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as ort_errors

        options = ort.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 3
        try:
            self._session = ort.InferenceSession(graph, options, providers=["CPUExecutionProvider"])
        except (
            ort_errors.Fail,
            ort_errors.InvalidArgument,
            ort_errors.InvalidGraph,
            ort_errors.InvalidProtobuf,
            ort_errors.NotImplemented,
        ) as error:
            raise BundleError(
                f"ONNX Runtime reads the graph of {name}", got="a graph that it refuses"
            ) from error
        self.name = f"onnxruntime {ort.__version__}"

    @property
    def precision(self) -> str:
        """Always ``"fp32"``; features are filled and scaled in double precision before."""
        return "fp32"

    def __call__(self, numbers: NDArray[np.float64], /) -> NDArray[np.float64]:
        """(cases, columns) to (cases, scores)."""
        batch = np.ascontiguousarray(numbers, dtype=np.float64)
        found = np.asarray(self._session.run(["scores"], {"features": batch})[0], dtype=np.float64)
        return found.reshape(len(numbers), -1)


def logits_of(scores: NDArray[Any], kind: str) -> NDArray[np.float64]:
    """What calibration and `facts` take, of the scores of a learner.

    Args:
        scores: Shape (cases, scores).
        kind: See `Described.scores`.

    Returns:
        Of probabilities their logarithms, of nothing less than 0.0001; of one margin minus and plus half of it, so
        that temperature and bias are the scaling of Platt; of more margins themselves; of a value the value and the
        logarithm of the variance 1.

    Source: Platt, Probabilistic outputs for support vector machines (1999).
    """
    scores = np.asarray(scores, dtype=np.float64)
    if kind == "value":
        return np.concatenate([scores, np.zeros_like(scores)], axis=1)
    if kind == "probabilities":
        return np.asarray(np.log(np.clip(scores, _SURE, 1.0)))
    return np.concatenate([-scores / 2, scores / 2], axis=1) if scores.shape[1] == 1 else scores


def described(
    region: Region, describe: Mapping[str, Describe], sets: Mapping[str, Mapping[str, Any]]
) -> tuple[Feature, ...]:
    """The features of named sets, in their order.

    Args:
        region: What is described.
        describe: The functions by name.
        sets: Which of them, with their parameters.

    Raises:
        UnknownName: A set that there is not.
    """
    for name in sets:
        if name not in describe:
            raise UnknownName(
                "a set of features has a known name",
                got=name,
                way_out=f"there are: {', '.join(sorted(describe))}",
            )
    found: dict[str, Feature] = {}
    for name, said in sets.items():
        compute = describe[name]
        compute = compute.function if isinstance(compute, Family) else compute
        found |= {f.key: f for f in compute(region, **{k: _parameter(v) for k, v in said.items()})}
    return tuple(found.values())


def _parameter(said: Any) -> Any:
    """A parameter as functions take it: `Levels` are plain numbers in a recipe, and tuples are lists."""
    if isinstance(said, Mapping):
        return from_plain(Levels, dict(said))
    return tuple(map(_parameter, said)) if isinstance(said, list | tuple) else said


@final
@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class ClassicalModel:
    """A model that describes a region by numbers, and judges these.

    Args:
        card: What it is.
        recipe: How it reads; has features.
        graph: What computes.
        describe: Functions from a region to features, by the name of the set; empty where features come as numbers.
    """

    card: Card
    recipe: Recipe
    graph: GraphOfFeatures
    describe: Mapping[str, Describe] = field(default_factory=dict)

    @property
    def features(self) -> Described:
        """What it reads.

        Raises:
            BundleError: The recipe is that of a network.
        """
        if self.recipe.features is None:
            raise BundleError("the recipe of a classical model has features", got="none")
        return self.recipe.features

    def __call__(self, case: Case, /) -> Finding:
        """The first answer about a case, or why there is none."""
        return self.findings(case)[0]

    def findings(self, case: Case, /) -> tuple[Finding, ...]:
        """The answer about each region that is judged, or why there is none.

        Raises:
            InvalidInput: No image of the recipe's name; an outline beside it, or of other structures; or a model of
                numbers, which describes no image.
            FrameMismatch: An outline lies in another frame than the image.
            UnknownName: A set of features of the recipe is not among `describe`.
        """
        return tuple(answer for answer, *_ in self._answered(case))

    def explained(self, case: Case, /) -> tuple[tuple[Finding, ...], tuple[Explanation, ...]]:
        """As `findings`; and of each answer which features decided it.

        Raises:
            InvalidInput: As `findings`.
            FrameMismatch: As `findings`.
            UnknownName: As `findings`.
        """
        answered = list(self._answered(case))
        reasons = (
            dataclasses.replace(explained(self, features, label=_said(answer)), described=name)
            for answer, name, features in answered
            if not isinstance(answer, NotApplicable)
        )
        return tuple(answer for answer, *_ in answered), tuple(reasons)

    def _answered(self, case: Case) -> Iterator[tuple[Finding, str, tuple[Feature, ...]]]:
        """Each answer, with name and features of what it is about."""
        found = self.described(case)
        if isinstance(found, NotApplicable):
            yield found, "", ()
            return
        for name, features in found:
            answer = self.of_features(features)
            if isinstance(answer, NotApplicable) and len(found) > 1:  # the others are answered
                concept = self.recipe.concept or self.recipe.labels[0]
                answer = dataclasses.replace(answer, concept=concept)
            yield answer, name, features

    def described(self, case: Case, /) -> tuple[tuple[str, tuple[Feature, ...]], ...] | NotApplicable:
        """Name and features of each region that is judged, or why there is none.

        Raises:
            InvalidInput: As `findings`.
            FrameMismatch: As `findings`.
            UnknownName: As `findings`.
        """
        image, outlines = self.image(case), [f for f in case.known.values() if isinstance(f, Segmentation)]
        if not self.features.sets:
            raise InvalidInput(
                f"{self.card.name} judges numbers of a table and does not know how images are described",
                way_out="teach a model with a table of `skiagraph features`",
            )
        if not outlines and self.features.region != "image":
            return _nothing("The model describes an outline, and there is none: name a mask (--mask).")
        regions = regions_of(image, outlines, self.features)
        if not regions:
            return _nothing("The model describes an outline, and the mask of this image is empty.")
        return tuple((name, self._features(region)) for name, region in regions)

    def image(self, case: Case, /) -> Image:
        """The image that the recipe names.

        Raises:
            InvalidInput: The case has no such image.
        """
        image = case.images.get(self.recipe.image)
        if image is None:
            raise InvalidInput(
                f"the case holds an image named {self.recipe.image}", got=f"{sorted(case.images)}"
            )
        return image

    def of_region(self, region: Region) -> Finding:
        """The answer about a region.

        Raises:
            UnknownName: A set of features of the recipe is not among `describe`.
            InvalidInput: A picture where the model reads volumes, or the other way round.
        """
        return self.of_features(self._features(region))

    def _features(self, region: Region) -> tuple[Feature, ...]:
        if region.ndim != len(self.recipe.shape):
            raise InvalidInput(
                f"the model describes {len(self.recipe.shape)}-D regions", got=f"{region.ndim}-D"
            )
        return described(region, self.describe, self.features.sets)

    def of_features(self, features: Iterable[Feature] | Mapping[str, float]) -> Finding:
        """The answer about features by their keys; `NotApplicable` where more than half of them have no value."""
        row = self.row(features)
        missing = int(np.isnan(row).sum())
        if 2 * missing > len(row):
            return NotApplicable(
                reason="poor-quality",
                explanation=f"{missing} of the {len(row)} features that the model reads have no value here.",
            )
        (answer,) = self.answers(row[None])
        if self.recipe.task == "classification":
            return classified(answer, self.recipe)
        (value,) = measured(answer, self.recipe)
        level = value.interval.level if value.interval else 0.0
        return dataclasses.replace(value, method=_METHOD.format(level=100 * level) if level else "")

    def row(self, features: Iterable[Feature] | Mapping[str, float]) -> NDArray[np.float64]:
        """The columns of the model in their order, shape (columns,); NaN where there is no value.

        Raises:
            InvalidInput: None of the columns is there.
        """
        found = dict(features) if isinstance(features, Mapping) else {f.key: f.value for f in features}
        columns = self.features.columns
        if not set(columns) & set(found):
            raise InvalidInput(
                f"the model reads {', '.join(columns[:5])}", got=f"{len(found)} other features"
            )
        row = np.array([found.get(column, math.nan) for column in columns], dtype=np.float64)
        row[~np.isfinite(row)] = math.nan
        return row

    def answers(self, numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        """What `facts` takes, of features in the order of the columns: (cases, columns) to (cases, outputs)."""
        return logits_of(self.graph(numbers), self.features.scores)


def _nothing(explanation: str) -> NotApplicable:
    return NotApplicable(reason="no-outline", explanation=explanation)


def _said(answer: Finding) -> Code | None:
    """The likeliest class; None of a value."""
    if not isinstance(answer, Classification):
        return None
    return max(answer.scores, key=lambda one: one.probability).code


def classical_model(bundle: Bundle, describe: Mapping[str, Describe] | None = None) -> ClassicalModel:
    """The classical model of a bundle.

    Args:
        bundle: Whose recipe has features.
        describe: Functions from a region to features, by the name of the set; None takes the families of
            `skiagraph.features`.

    Raises:
        BundleError: A bundle of a network, or a graph that cannot be read.
    """
    if bundle.recipe.features is None:
        raise BundleError("the bundle of a classical model has features", got="that of a network")
    graph = GraphOfFeatures(bundle.graph.read_bytes(), bundle.card.name)
    return ClassicalModel(
        card=bundle.card,
        recipe=bundle.recipe,
        graph=graph,
        describe=dict(FAMILIES if describe is None else describe),
    )


def explained(
    model: ClassicalModel, features: Iterable[Feature] | Mapping[str, float], *, label: Code | None = None
) -> Explanation:
    """How much each feature moved the calibrated answer away from that about a typical case.

    Shapley values: typical features are replaced by those of the case one after the other, and what each changes is
    averaged over the orders: over all of them up to six features, else over 100 that are drawn (each with its reverse)
    by a fixed seed. They add up to the answer exactly. Of a linear model with two classes a feature adds its scaled
    distance from the typical value times its coefficient, over the temperature.

    Args:
        model: The model.
        features: Of the case.
        label: The class that is spoken of; None for the last, of two the positive one.

    Raises:
        InvalidInput: No such class, or none of the model's features.

    Source: Shapley, A value for n-person games (1953); Strumbelj and Kononenko, Explaining prediction models and
        individual predictions with feature contributions (KAIS 2014), algorithm 2.
    """
    features = features if isinstance(features, Mapping) else tuple(features)
    names = (
        {} if isinstance(features, Mapping) else {f.key: (f"{f.family}: {f.name}", f.unit) for f in features}
    )
    labels = model.recipe.labels
    label = labels[-1] if label is None else label
    if label not in labels:
        raise InvalidInput("a class is asked for that the model knows", got=label.value)
    typical, row = np.array(model.features.typical), model.row(features)
    there = np.where(np.isnan(row), typical, row)
    orders = _orders(len(row))
    place, at = np.argsort(orders, axis=1), labels.index(label)
    added = np.zeros(len(row))
    for one in place:
        # Row k has the first k features of the order from the case, and the others typical.
        told = _told(model, np.where(one < np.arange(len(row) + 1)[:, None], there, typical), at)
        added += np.diff(told)[one] / len(orders)
    contributions = [
        Contribution(
            column=c,
            name=names.get(c, (c, ""))[0],
            unit=names.get(c, (c, ""))[1],
            value=None if math.isnan(v) else float(v),
            typical=float(t),
            added=float(a),
        )
        for c, v, t, a in zip(model.features.columns, row, typical, added, strict=True)
    ]
    return Explanation(
        label=label,
        unit=model.recipe.units[at] if model.recipe.units else None,
        usual=float(told[0]),
        answer=float(told[len(row)]),
        contributions=tuple(sorted(contributions, key=lambda one: -abs(one.added))),
    )


def _orders(n: int) -> NDArray[np.intp]:
    if n <= _EXACT:
        return np.array(list(permutations(range(n))), dtype=np.intp)
    rng = np.random.default_rng(0)
    drawn = np.array([rng.permutation(n) for _ in range(_ORDERS // 2)], dtype=np.intp)
    return np.concatenate([drawn, drawn[:, ::-1]])


def _told(model: ClassicalModel, numbers: NDArray[np.float64], label: int) -> NDArray[np.float64]:
    """Log odds of a class, or values, shape (cases,)."""
    answers = model.answers(numbers)
    if model.recipe.task == "regression":
        return gaussians(answers, model.recipe)[0][:, label]
    p = class_probabilities(answers, model.recipe).clip(1e-300)
    return np.asarray(np.log(p[:, label]) - np.log(np.delete(p, label, axis=1).sum(axis=1)))
