"""A LiteRT model as LiteRT.js takes it: for one photo at a time."""

import numpy as np
from ai_edge_litert import schema_py_generated as schema


def for_one_photo(content: bytes) -> bytes:
    """Fix an exported model's free number of photos to one, which LiteRT.js wants.

    Nothing else changes: the weights and the operations stay those that were checked. A tensor's
    shape is the one for one photo already; its signature says which sizes are free.

    Args:
        content: the bytes of a `.tflite` file.
    """
    fixed = bytearray(content)
    model = schema.Model.GetRootAs(fixed, 0)
    for graph in map(model.Subgraphs, range(model.SubgraphsLength())):
        for tensor in map(graph.Tensors, range(graph.TensorsLength())):
            if tensor.ShapeSignatureLength():
                tensor.ShapeSignatureAsNumpy()[:] = tensor.ShapeAsNumpy()  # into `fixed` itself
    return bytes(fixed)


def test_picture(side: int) -> np.ndarray:
    """A picture that a browser can make too, to compare answers: uint8 (side, side, 3)."""
    y, x = np.mgrid[:side, :side]
    return np.stack([x, y, x ^ y], axis=-1).astype(np.uint8)
