"""A model for a browser: the same answers, for one photo at a time."""

import numpy as np
import pytest
from ai_edge_litert.interpreter import Interpreter

from sentiment.inference import browser_model
from sentiment.inference.litert import LitertModel

pytestmark = [pytest.mark.slow, pytest.mark.xdist_group("service")]  # they share an exported model


def test_only_the_number_of_photos_is_fixed(model):
    content = model.read_bytes()
    fixed = browser_model.for_one_photo(content)
    assert Interpreter(str(model)).get_input_details()[0]["shape_signature"][0] == -1
    interpreter = Interpreter(model_content=fixed)
    interpreter.allocate_tensors()
    (taken,), (given,) = interpreter.get_input_details(), interpreter.get_output_details()
    assert [*taken["shape_signature"]] == [1, 224, 224, 3]
    assert [*given["shape_signature"]] == [1, 3]
    picture = browser_model.test_picture(224)[None]
    interpreter.set_tensor(taken["index"], picture)
    interpreter.invoke()
    answer = interpreter.get_tensor(given["index"])
    np.testing.assert_array_equal(answer, LitertModel(model).predict(picture))
    assert len(fixed) == len(content)
    assert sum(a != b for a, b in zip(fixed, content, strict=True)) < 4000  # numbers of shapes
