#!/usr/bin/env python3
"""Convolutions and linear layers, ours beside torch's, in one run on the same shapes (torch channels_last); the two take turns.

usage: compare_conv.py [--filter TEXT] [--threads N] [--repeat N] [--rounds N] [--clock wall|cpu] [--json] [--bench build/release/bench/bench_ops_conv]
                       [--device cpu|cuda] [--dtype f32|bf16] [--batch N] [--heaviest N]
--clock cpu: one thread's processor time, for a busy machine.  Weights are transformed once, as in inference; --cold 1: anew each time (ours).
On a GPU torch means cuDNN, which may try its algorithms first; both queue 16 runs and wait for the last. --heaviest: only the N layers that take ours
longest, of each pass.
"""
import argparse, json, subprocess, time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--filter', default='')
p.add_argument('--threads', type=int, default=2)
p.add_argument('--repeat', type=int, default=3)
p.add_argument('--rounds', type=int, default=1)
p.add_argument('--clock', default='wall', choices=['wall', 'cpu'])
p.add_argument('--cold', default='0')
p.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
p.add_argument('--dtype', default='f32', choices=['f32', 'bf16'])
p.add_argument('--batch', type=int, default=1)
p.add_argument('--heaviest', type=int, default=0)
p.add_argument('--json', action='store_true')
p.add_argument('--bench', default='build/release/bench/bench_ops_conv')
a = p.parse_args()
if a.clock == 'cpu':
    a.threads = 1

import torch
import torch.nn.functional as F

torch.set_num_threads(a.threads)
torch.backends.cudnn.benchmark = True
on, together = dict(device=a.device, dtype=dict(f32=torch.float32, bf16=torch.bfloat16)[a.dtype]), 16 if a.device == 'cuda' else 1
now = time.process_time if a.clock == 'cpu' else time.perf_counter


def ours():
    out = subprocess.run([a.bench, '--filter', a.filter, '--threads', str(a.threads), '--repeat', str(a.repeat), '--clock', a.clock, '--cold', a.cold,
                          '--device', a.device, '--dtype', a.dtype, '--batch', str(a.batch)],
                         check=True, capture_output=True, text=True).stdout
    all = [json.loads(line) for line in out.splitlines()]
    if not a.heaviest: return all
    heavy = {l['layer'] for l in sorted((l for l in all if l['pass'] == 'forward'), key=lambda l: -l['seconds'])[:a.heaviest]}
    return [l for l in all if l['layer'] in heavy]


def wait():
    if a.device == 'cuda': torch.cuda.synchronize()


def torch_side(l):
    cl = torch.channels_last
    with torch.no_grad():
        if l['k'] == 0:
            x, w, b = torch.rand(l['n'], l['cin'], **on), torch.rand(l['cout'], l['cin'], **on), torch.rand(l['cout'], **on)
            gy = torch.rand(l['n'], l['cout'], **on)
            f = {'forward': lambda: F.relu_(F.linear(x, w, b)), 'data': lambda: gy @ w, 'weights': lambda: gy.t() @ x}[l['pass']]
        else:
            x = torch.rand(l['n'], l['cin'], l['h'], l['w'], **on).contiguous(memory_format=cl)
            w = torch.rand(l['cout'], l['cin'], l['k'], l['k'], **on).contiguous(memory_format=cl)
            b, s, pad = torch.rand(l['cout'], **on), l['stride'], l['k'] // 2
            gy = torch.rand_like(F.conv2d(x, w, b, s, pad))
            back = lambda m: torch.ops.aten.convolution_backward(gy, x, w, [l['cout']], [s, s], [pad, pad], [1, 1], False, [0, 0], 1, m)
            f = {'forward': lambda: F.relu_(F.conv2d(x, w, b, s, pad)), 'data': lambda: back([True, False, False]),
                 'weights': lambda: back([False, True, False])}[l['pass']]
        best = 1e9
        for i in range(a.repeat + 1):
            wait(); t = now()
            for _ in range(together): f()
            wait(); t = (now() - t) / together
            if i:
                best = min(best, t)
    return best


rows = {}
for _ in range(a.rounds):
    for l in ours():
        r = rows.setdefault((l['layer'], l['pass']), {**l, 'torch': 1e9})
        r['seconds'] = min(r['seconds'], l['seconds'])
        r['torch'] = min(r['torch'], torch_side(l))
for r in rows.values():
    r['ratio'] = r['torch'] / r['seconds']
    if a.json:
        print(json.dumps(r))
    else:
        work = 2 * r['n'] * r['cin'] * r['cout'] * max(1, r['k'])**2 * ((r['h'] + r['stride'] - 1) // r['stride']) * ((r['w'] + r['stride'] - 1) // r['stride'])
        print(f"{r['layer']:22} {r['pass']:8} {r['rung']:9} ours {r['seconds']*1e3:8.2f} ms {work/r['seconds']*1e-9:7.0f} GF/s   "
              f"torch {r['torch']*1e3:8.2f} ms {work/r['torch']*1e-9:7.0f} GF/s   ratio {r['ratio']:.2f}", flush=True)
total = lambda k: sum(r[k] for r in rows.values())
if a.json:
    ratios = [r['ratio'] for r in rows.values()]
    print(json.dumps(dict(layers=len(ratios), least=round(min(ratios), 2), mean=round(sum(ratios) / len(ratios), 2), torch=torch.__version__)))
else:
    print(f"{'sum':22} {'':18} ours {total('seconds')*1e3:8.1f} ms                torch {total('torch')*1e3:8.1f} ms")
