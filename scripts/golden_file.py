"""Files of golden arrays, as tests/ops/golden_file.h reads them, and the inputs that both sides draw for themselves.

A file is a list of arrays: u8 length of the name, name, u8 type (0 f32, 1 i32, 2 u8, 3 f64), u8 rank, i32 sizes, values; little-endian.
Large inputs are not stored: both sides draw them from the same hash (splitmix64) of their index.
"""
import struct
import numpy as np

U = np.uint64


class GoldenFile:
    def __init__(self, path): self.out = open(path, 'wb')
    def __enter__(self): return self
    def __exit__(self, *_): self.out.close()

    def put(self, name, values):
        v = np.ascontiguousarray(values)
        kind = {np.dtype('<f4'): 0, np.dtype('<i4'): 1, np.dtype('u1'): 2, np.dtype('<f8'): 3}[v.dtype]
        self.out.write(struct.pack('<B', len(name)) + name.encode() + struct.pack('<BB', kind, v.ndim) + struct.pack(f'<{v.ndim}i', *v.shape) + v.tobytes())


def f32(t): return np.asarray(t, dtype='<f4')
def i32(t): return np.asarray(t, dtype='<i4')


def mix64(x):
    with np.errstate(over='ignore'):
        x = x + U(0x9e3779b97f4a7c15)
        x = (x ^ (x >> U(30))) * U(0xbf58476d1ce4e5b9)
        x = (x ^ (x >> U(27))) * U(0x94d049bb133111eb)
        return x ^ (x >> U(31))


def hashed(seed, n): return mix64(U(seed << 32) + np.arange(n, dtype=np.uint64))
def values(seed, n): return f32((hashed(seed, n) >> U(40)) * 2.0 ** -23 - 1)       # n numbers of [-1, 1)
