"""Whether a model that is there is the one that is wanted."""

import dataclasses
import json

from sentiment.model.recipe import Recipe
from sentiment.runs.training_plan import difference

RECIPE = json.loads(json.dumps(dataclasses.asdict(Recipe(layers="fc"))))
PLAN = {"architecture": "mobilenet", "recipe": RECIPE, "percent": 100.0}


def test_the_first_difference_is_named() -> None:
    assert difference(PLAN, PLAN) == ""
    other = PLAN | {"recipe": RECIPE | {"optimizer": "adam"}}
    assert difference(PLAN, other) == "made with optimizer sgd, this run has adam"
    assert (
        difference(PLAN, PLAN | {"percent": 10.0}) == "made with percent 100.0, this run has 10.0"
    )


def test_a_model_from_before_a_flag_counts_as_trained_with_its_default() -> None:
    before = {name: value for name, value in RECIPE.items() if name != "label_smoothing"}
    assert difference(PLAN | {"recipe": before}, PLAN) == ""
    wanted = PLAN | {"recipe": RECIPE | {"label_smoothing": 0.1}}
    said = difference(PLAN | {"recipe": before}, wanted)
    assert said == "made with label_smoothing 0.0, this run has 0.1"
