"""Models that answer by hand, and the cases that they are judged on."""

import dataclasses
from types import SimpleNamespace

import numpy as np

from skiagraph.case import Case, Dataset, Sample
from skiagraph.codes import Code
from skiagraph.findings import (
    Classification,
    ClassScore,
)
from skiagraph.geometry import Plane, derived_frame
from skiagraph.image import Image
from skiagraph.image.quantity import GREY
from skiagraph.task import Card, InputSpec, OutputSpec, Recipe
from skiagraph.workflow.evaluation import Beside, evaluated, with_baselines


def code(word):
    return Code(value=word, scheme="99TEST", meaning=word)


BENIGN, MALIGNANT, KIND, AGE = (code(w) for w in ("benign", "malignant", "kind", "age"))
SPACE = Plane.upright(shape=(12, 16), spacing=(1.0, 1.0), frame=derived_frame("judge"))
CLASSES = Recipe(
    task="classification",
    labels=(BENIGN, MALIGNANT),
    concept=KIND,
    activation="softmax",
    shape=(12, 16),
    normalise="zscore",
)


def silent(_done, _total, _figures):
    pass


def told(p, labels=(BENIGN, MALIGNANT)):
    scores = (ClassScore(code=labels[0], probability=1 - p), ClassScore(code=labels[1], probability=p))
    return Classification(concept=KIND, scores=scores)


def case_of(number):
    image = Image(data=np.full((12, 16), number % 256, np.uint8), space=SPACE, quantity=GREY, modality="US")
    return Case(identifier=f"case {number}", images={"image": image})


def dataset(references, *, group=lambda n: f"g{n}", split=lambda _: "test", attributes=lambda _: {}):
    return Dataset(
        name="cases",
        samples=tuple(
            Sample(
                identifier=f"case {n}",
                group=group(n),
                split=split(n),
                case=lambda n=n: case_of(n),
                reference=lambda r=r: (r,),
                attributes=attributes(n),
            )
            for n, r in enumerate(references)
        ),
    )


class Model:
    """What `opened_model` gives, with answers from a function of the number of the case."""

    def __init__(self, answer, recipe=CLASSES, outputs=(("Classification", KIND),), name="by-hand"):
        self.answer, self.recipe, self.digest = answer, recipe, "0" * 64
        self.engine = SimpleNamespace(name="by hand", precision="fp32")
        self.card = Card(
            name=name,
            version="1.0.0",
            task=recipe.task,
            summary="Answers by hand.",
            inputs=(InputSpec(name="image", modality="US", ndim=2),),
            outputs=tuple(OutputSpec(finding=f, concept=c) for f, c in outputs),
            data=("cases",),
        )

    def __call__(self, case):
        answer = self.answer(int(case.identifier.split()[1]))
        return answer if isinstance(answer, tuple) else (answer,)


@dataclasses.dataclass
class Constant:
    """The baseline that says benign always, with the share of malignant cases."""

    p: float
    name: str = "constant"
    fitted_on: int = 100

    def __call__(self, _case):
        return (told(self.p),)


# 10 malignant and 90 benign, of which a model gets 2 and 82 right: the example that shows what accuracy hides.
GOLDEN = dataset([told(1.0 if n < 10 else 0.0) for n in range(100)])
SAYS_MALIGNANT = {0, 1, *range(10, 18)}


def golden_model(n):
    return told(0.9 if n in SAYS_MALIGNANT else 0.2)


def golden(**beside):
    found = Beside(**beside)
    return evaluated(
        Model(golden_model),
        GOLDEN,
        beside=with_baselines(found, [Constant(0.1)]),
        split="test",
        seed=0,
        watch=silent,
    )
