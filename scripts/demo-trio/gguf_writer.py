"""Writes GGUF version 3: metadata, and tensors in F32 or Q8_0. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""
import struct

import numpy as np

ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TYPE_F32, TYPE_Q8_0 = 0, 8
Q8_0_BLOCK = 32


def _string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    if kind == STRING:
        return _string(value)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


def q8_0(array):
    """Blocks of 32 along a row: a 16-bit float scale and 32 signed bytes. The row's length is a multiple of 32."""
    blocks = array.reshape(-1, Q8_0_BLOCK)
    scales = np.abs(blocks).max(1, keepdims=True) / 127
    inverse = np.divide(1, scales, out=np.zeros_like(scales), where=scales > 0)
    packed = np.zeros(len(blocks), np.dtype([("scale", "<f2"), ("values", "i1", Q8_0_BLOCK)]))
    packed["scale"] = scales[:, 0]
    packed["values"] = np.rint(blocks * inverse)
    return packed.tobytes()


def _encoded(array, quantize):
    if quantize and array.ndim == 2 and array.shape[1] % Q8_0_BLOCK == 0:
        return TYPE_Q8_0, q8_0(array)
    return TYPE_F32, np.ascontiguousarray(array, "<f4").tobytes()


def write(path, metadata, tensors, quantize=False):
    """metadata: (key, kind, value), with kind (ARRAY, element kind) for lists; tensors: name -> f32 array, rows first.

    With `quantize` matrices are written in Q8_0.
    """
    head = struct.pack("<4sIQQ", b"GGUF", 3, len(tensors), len(metadata))
    for key, kind, value in metadata:
        head += _string(key)
        if isinstance(kind, tuple):
            head += struct.pack("<IIQ", ARRAY, kind[1], len(value)) + b"".join(_value(kind[1], v) for v in value)
        else:
            head += struct.pack("<I", kind) + _value(kind, value)
    offset = 0
    data = b""
    for name, array in tensors.items():
        shape = array.shape[::-1]  # GGUF counts the innermost dimension first
        head += _string(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape)
        kind, body = _encoded(array, quantize)
        head += struct.pack("<IQ", kind, offset)
        body += b"\0" * (-len(body) % ALIGNMENT)
        data += body
        offset += len(body)
    head += b"\0" * (-len(head) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(head + data)
