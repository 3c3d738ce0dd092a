"""What timing in a browser wants to be there. Timed by hand: a browser takes half a minute."""

import pytest
from helpers.scripts import refusal

from sentiment.base.errors import UserError
from sentiment.inference import browser_timing


def test_without_a_browser_it_says_which_ones_it_takes(tmp_path):
    line = refusal("scripts/measure_inference.py", "--browser", PATH=str(tmp_path))
    assert "--browser: none of chromium, chromium-browser, google-chrome" in line


@pytest.mark.slow
def test_what_the_service_says_of_a_model_is_handed_on(tmp_path):
    with pytest.raises(UserError, match=r"did not start: error: .*no exported model"):
        browser_timing.measured(tmp_path / "no.tflite", "true", tmp_path / "kept")
