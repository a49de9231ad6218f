"""Writes GGUF version 3: metadata and F32 or F16 tensors. https://github.com/ggml-org/ggml/blob/master/docs/gguf.md"""
import struct

import numpy as np

ALIGNMENT = 32
U32, I32, F32, BOOL, STRING, ARRAY = 4, 5, 6, 7, 8, 9
TENSOR_TYPES = {np.dtype(np.float32): 0, np.dtype(np.float16): 1}


def _string(text):
    data = text.encode("utf-8")
    return struct.pack("<Q", len(data)) + data


def _value(kind, value):
    if kind == STRING:
        return _string(value)
    return struct.pack({U32: "<I", I32: "<i", F32: "<f", BOOL: "<?"}[kind], value)


def write(path, metadata, tensors):
    """metadata: (key, kind, value), with kind (ARRAY, element kind) for lists; tensors: name -> array, rows first."""
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
        head += struct.pack("<IQ", TENSOR_TYPES[array.dtype], offset)
        body = np.ascontiguousarray(array).tobytes()
        body += b"\0" * (-len(body) % ALIGNMENT)
        data += body
        offset += len(body)
    head += b"\0" * (-len(head) % ALIGNMENT)
    with open(path, "wb") as file:
        file.write(head + data)
