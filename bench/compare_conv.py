#!/usr/bin/env python3
"""Convolutions and linear layers, ours beside torch's, in one run on the same shapes (f32, torch channels_last); the two take turns.

usage: compare_conv.py [--filter TEXT] [--threads N] [--repeat N] [--rounds N] [--clock wall|cpu] [--json] [--bench build/release/bench/bench_ops_conv]
--clock cpu: one thread's processor time, for a busy machine.  Weights are transformed once, as in inference; --cold 1: anew each time (ours).
"""
import argparse, json, subprocess, time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--filter', default='')
p.add_argument('--threads', type=int, default=2)
p.add_argument('--repeat', type=int, default=3)
p.add_argument('--rounds', type=int, default=1)
p.add_argument('--clock', default='wall', choices=['wall', 'cpu'])
p.add_argument('--cold', default='0')
p.add_argument('--json', action='store_true')
p.add_argument('--bench', default='build/release/bench/bench_ops_conv')
a = p.parse_args()
if a.clock == 'cpu':
    a.threads = 1

import torch
import torch.nn.functional as F

torch.set_num_threads(a.threads)
now = time.process_time if a.clock == 'cpu' else time.perf_counter


def ours():
    out = subprocess.run([a.bench, '--filter', a.filter, '--threads', str(a.threads), '--repeat', str(a.repeat), '--clock', a.clock, '--cold', a.cold],
                         check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def torch_side(l):
    cl = torch.channels_last
    with torch.no_grad():
        if l['k'] == 0:
            x, w, b = torch.rand(l['n'], l['cin']), torch.rand(l['cout'], l['cin']), torch.rand(l['cout'])
            gy = torch.rand(l['n'], l['cout'])
            f = {'forward': lambda: F.relu_(F.linear(x, w, b)), 'data': lambda: gy @ w, 'weights': lambda: gy.t() @ x}[l['pass']]
        else:
            x = torch.rand(l['n'], l['cin'], l['h'], l['w']).contiguous(memory_format=cl)
            w = torch.rand(l['cout'], l['cin'], l['k'], l['k']).contiguous(memory_format=cl)
            b, s, pad = torch.rand(l['cout']), l['stride'], l['k'] // 2
            gy = torch.rand_like(F.conv2d(x, w, b, s, pad))
            back = lambda m: torch.ops.aten.convolution_backward(gy, x, w, [l['cout']], [s, s], [pad, pad], [1, 1], False, [0, 0], 1, m)
            f = {'forward': lambda: F.relu_(F.conv2d(x, w, b, s, pad)), 'data': lambda: back([True, False, False]),
                 'weights': lambda: back([False, True, False])}[l['pass']]
        best = 1e9
        for i in range(a.repeat + 1):
            t = now(); f(); t = now() - t
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
if not a.json:
    print(f"{'sum':22} {'':18} ours {total('seconds')*1e3:8.1f} ms                torch {total('torch')*1e3:8.1f} ms")
