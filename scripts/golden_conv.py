#!/usr/bin/env python3
"""Writes tests/golden/conv.bin: what torch's convolution and transposed convolution answer on random cases.

usage: golden_conv.py [--cases 1000] [--seed 1] [--out tests/golden/conv.bin]        needs torch, numpy

Case k has x, w, b and gy of values(8k), values(8k + 1), … in our layouts (channels last). torch computes y, gx, gw and gb in f64; of each the file
holds one number, its sum weighted by values(8k + 4), values(8k + 5), …: a wrong neighbour or term anywhere changes it.
More cases:  golden_conv.py --cases 20000 --out /tmp/conv.bin  and  MR_GOLDEN_CONV=/tmp/conv.bin test_ops
"""
import argparse, pathlib, sys
import numpy as np
import torch
import torch.nn.functional as F
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from golden_file import GoldenFile, values

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--cases', type=int, default=1000); p.add_argument('--seed', type=int, default=1); p.add_argument('--out', default='tests/golden/conv.bin')
a = p.parse_args()
rng = np.random.default_rng(a.seed)
pick = lambda *options: int(rng.choice(options))


def drawn(seed, n, h, w, c):
    """[N,H,W,C] of values(seed) as torch has it, [N,C,H,W], in f64."""
    return torch.from_numpy(values(seed, n * h * w * c).astype('<f8').reshape(n, h, w, c)).permute(0, 3, 1, 2).contiguous().requires_grad_()


def weighted(seed, t):
    """Σ t · values(seed), t as torch has it."""
    t = t.detach()
    flat = (t.permute(0, 2, 3, 1) if t.ndim == 4 else t).reshape(-1).numpy()
    return float(flat @ values(seed, flat.size).astype('<f8'))


def sums(k, y, x, w, b):
    gy = drawn(8 * k + 3, y.shape[0], y.shape[2], y.shape[3], y.shape[1]).detach()
    y.backward(gy)
    return [weighted(8 * k + 4 + i, t) for i, t in enumerate((y, x.grad, w.grad, b.grad))]


conv, conv_sums, deconv, deconv_sums = [], [], [], []
while len(conv) < a.cases:
    n, h, w, kh, kw = pick(1, 1, 2), pick(1, 2, 3, 5, 8, 11), pick(1, 2, 4, 7, 10), pick(1, 1, 2, 3, 3, 3, 5), pick(1, 1, 2, 3, 3, 3, 5)
    groups, cin, cout = pick(1, 1, 1, 2, 3), pick(1, 2, 3, 8), pick(1, 2, 5, 8)
    stride, padding, dilation = pick(1, 1, 2, 3), pick(0, 1, 1, 2, 3), pick(1, 1, 1, 2)
    if h + 2 * padding < dilation * (kh - 1) + 1 or w + 2 * padding < dilation * (kw - 1) + 1: continue
    k = len(conv)
    x, weight = drawn(8 * k, n, h, w, cin * groups), drawn(8 * k + 1, cout * groups, kh, kw, cin)
    bias = torch.from_numpy(values(8 * k + 2, cout * groups).astype('<f8')).requires_grad_()
    conv.append([n, h, w, cin * groups, cout * groups, kh, kw, stride, padding, dilation, groups])
    conv_sums.append(sums(k, F.conv2d(x, weight, bias, stride, padding, dilation, groups), x, weight, bias))
while len(deconv) < a.cases:
    n, h, w, kh, kw = pick(1, 1, 2), pick(1, 2, 3, 5, 7), pick(1, 2, 4, 7), pick(1, 2, 2, 3, 4), pick(1, 2, 2, 3, 4)
    cin, cout, stride, padding = pick(1, 3, 8), pick(1, 2, 5, 8), pick(1, 2, 2, 3), pick(0, 0, 1, 2)
    if (h - 1) * stride + kh <= 2 * padding or (w - 1) * stride + kw <= 2 * padding: continue
    k = a.cases + len(deconv)
    x, weight = drawn(8 * k, n, h, w, cin), drawn(8 * k + 1, cin, kh, kw, cout)           # torch too has [Cin, Cout, kH, kW]
    bias = torch.from_numpy(values(8 * k + 2, cout).astype('<f8')).requires_grad_()
    deconv.append([n, h, w, cin, cout, kh, kw, stride, padding])
    deconv_sums.append(sums(k, F.conv_transpose2d(x, weight, bias, stride, padding), x, weight, bias))
with GoldenFile(a.out) as golden:
    golden.put('conv.cases', np.asarray(conv, dtype='u1')); golden.put('conv.sums', np.asarray(conv_sums, dtype='<f8'))
    golden.put('deconv.cases', np.asarray(deconv, dtype='u1')); golden.put('deconv.sums', np.asarray(deconv_sums, dtype='<f8'))
