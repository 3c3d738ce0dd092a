"""`--variant`: which of the sizes of a network a script takes, where its folder has several."""

import dataclasses
from typing import Annotated, TypeVar

import tyro

from sentiment.model.recipe import Architecture

Options = TypeVar("Options")

HELP = "Which size of the network; files of all but the first bear its name."


def with_flag(options: type[Options], architecture: Architecture) -> type[Options]:
    """A script's flags, and `--variant` among them where the network has variants.

    Args:
        options: a frozen dataclass, whose fields are the flags.
        architecture: the first variant of its folder.
    """
    if not architecture.others:
        return options
    names = [each.variant for each in (architecture, *architecture.others)]
    kind = tyro.extras.literal_type_from_choices(names)
    default = dataclasses.field(default=architecture.variant)
    flag = ("variant", Annotated[kind, tyro.conf.arg(help=HELP)], default)
    return dataclasses.make_dataclass(options.__name__, [flag], bases=(options,), frozen=True)


def chosen(architecture: Architecture, options: object) -> Architecture:
    """The variant that a script's flags ask for."""
    variant = getattr(options, "variant", architecture.variant)
    by_name = {each.variant: each for each in (architecture, *architecture.others)}
    return by_name[variant]
