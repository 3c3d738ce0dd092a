"""What to do when a training needs more memory than there is."""

import contextlib
from collections.abc import Iterator

from sentiment.base.errors import UserError
from sentiment.engine import backend
from sentiment.model.recipe import Recipe


@contextlib.contextmanager
def memory_remedy(recipe: Recipe) -> Iterator[None]:
    """Say what to do when memory runs out in the block, which works on batches of the recipe.

    Raises:
        UserError: it ran out.
    """
    try:
        yield
    except Exception as error:
        if backend.out_of_memory(error):
            raise UserError(less_memory(recipe)) from error
        raise


def less_memory(recipe: Recipe) -> str:
    """The flags that make a training need less memory, in words."""
    parts = recipe.gradient_accumulation_steps
    more = next((n for n in range(parts + 1, recipe.batch_size + 1) if recipe.batch_size % n == 0),
                None)  # fmt: skip
    at_a_time = f"out of memory with {recipe.batch_size // parts} images at a time"
    if not more:
        return f"{at_a_time}; this network needs a larger device"
    return (
        f"{at_a_time}; --gradient-accumulation-steps {more} takes {recipe.batch_size // more} "
        f"and keeps updates of {recipe.batch_size}, or give a lower --batch-size"
    )
