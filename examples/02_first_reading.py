"""The first reading: a picture whose truth is known is drawn, read, and held against the truth.

A phantom is a synthetic sonogram: a head, speckle, shadow and the sector of a probe, drawn from a seed. The model knows
nothing of how it was drawn; it gets the picture and the size of a pixel, as it would from a file.
"""

import numpy as np

import skiagraph
from skiagraph import codes
from skiagraph.findings import Measurement, NotApplicable, Segmentation
from skiagraph.phantoms.fetal_head import draw_fetal_head, sample_fetal_head
from skiagraph.phantoms.truth import fetal_head_image

# 1. A head, a picture of it, and a case: named images, and what is already known (here nothing).
head = sample_fetal_head(np.random.default_rng(1))
image = fetal_head_image(head, draw_fetal_head(head))
case = skiagraph.Case(identifier="phantom-1", images={"image": image})

# 2. A model, loaded once; it maps a case to findings.
reader = skiagraph.opened_model("fetal-head-ultrasound")
findings = reader(case)

# 3. What it found, and how far it lies from the truth.
true = {
    codes.HEAD_CIRCUMFERENCE: head.head_circumference,
    codes.BIPARIETAL_DIAMETER: head.biparietal_diameter,
    codes.OCCIPITOFRONTAL_DIAMETER: head.occipitofrontal_diameter,
}
for finding in findings:
    match finding:
        case Segmentation(segments=(segment,)):
            area = finding.mask(1).mean()
            print(
                f"outline of {segment.code.meaning}: {area:.0%} of the picture, confidence {segment.confidence:.2f}"
            )
        case Measurement(concept=concept, value=value, unit=unit, interval=interval):
            between = f", 95 % interval {interval.low:.1f} to {interval.high:.1f}" if interval else ""
            truth = f", in truth {true[concept]:.1f}" if concept in true else ""
            print(f"{concept.meaning}: {value:.1f} {unit.value}{between}{truth}")
        case NotApplicable(explanation=explanation):
            print(f"no answer: {explanation}")

# 4. Every spatial finding knows where it lies, so that the way back to the picture is nothing to think about.
outlines = [finding for finding in findings if isinstance(finding, Segmentation)]
print("the outline lies in the space of the picture:", all(o.space == image.space for o in outlines))
