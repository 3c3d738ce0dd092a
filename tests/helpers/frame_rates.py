"""A measurement as a device sends it."""


def measurement(
    name: str = "all_layers_mobilenet", frames: int = 200, seconds: float = 10, **browser: object
) -> dict[str, object]:
    """A measurement whose right figures are known.

    Args:
        name: the model's.
        browser: what differs in the part on the browser.
    """
    spread = {"median": 40.0, "p95": 60.0}
    return {
        "measured_at": "2026-11-28T19:44:55.997Z",
        "model": {"name": name, "dataset": "t4sa", "version": "526cbb26ef22"},
        "browser": {
            "user_agent": "A phone",
            "cores": 8,
            "backend": "wasm",
            "threads": 4,
            "isolated": True,
            "runtime": "LiteRT.js 2.5.3",
            **browser,
        },
        "picture": "1280 x 720",
        "warm_up": 10,
        "frames": frames,
        "seconds": seconds,
        "delivered": 250,
        "dropped": 50,
        "load_ms": 400.0,
        "first_result_ms": 900.0,
        "whole": spread,
        **dict.fromkeys(("capture", "squish", "inference", "drawing"), spread),
    }
