#!/usr/bin/env python3
"""Writes tests/golden/optimisers.bin: where torch's optimisers go, in f64, under a warm-up followed by a cosine.

usage: golden_optimisers.py [--out tests/golden/optimisers.bin]        needs torch, numpy

32 weights in two groups: 20 that decay, and 12 at twice the rate that do not. Both sides draw the weights and the gradients for themselves:
values(1, 32), and values(2 + t, 32) times (t + 1)/4 for step t. "rates" are the learning rates of the steps, the rest the weights after each.
"""
import argparse, pathlib, sys
import torch
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from golden_file import GoldenFile, values

STEPS, WARMUP, LR, DECAY, CLIP = 12, 3, 0.02, 0.05, 1.5

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--out', default='tests/golden/optimisers.bin')


def double(seed): return torch.from_numpy(values(seed, 32)).double()


def trained(make, clip):
    """(rates [STEPS], weights [STEPS, 32])"""
    w = double(1)
    a, b = torch.nn.Parameter(w[:20].clone()), torch.nn.Parameter(w[20:].clone())
    optimiser = make([{'params': [a], 'lr': LR, 'weight_decay': DECAY}, {'params': [b], 'lr': 2 * LR, 'weight_decay': 0.0}])
    warmup = torch.optim.lr_scheduler.LinearLR(optimiser, start_factor=0.1, total_iters=WARMUP)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, T_max=STEPS - WARMUP)
    schedule = torch.optim.lr_scheduler.SequentialLR(optimiser, [warmup, cosine], [WARMUP])
    rates, weights = [], []
    for t in range(STEPS):
        g = double(2 + t) * (t + 1) / 4
        a.grad, b.grad = g[:20].clone(), g[20:].clone()
        if clip: torch.nn.utils.clip_grad_norm_([a, b], CLIP)
        rates.append(optimiser.param_groups[0]['lr'])
        optimiser.step()
        schedule.step()
        weights.append(torch.cat([a, b]).detach().clone())
    return torch.tensor(rates, dtype=torch.float64), torch.stack(weights)


if __name__ == '__main__':
    a = p.parse_args()
    with GoldenFile(a.out) as golden:
        for name, make in [('sgd', lambda g: torch.optim.SGD(g, momentum=0.9)),
                           ('nesterov', lambda g: torch.optim.SGD(g, momentum=0.9, nesterov=True)),
                           ('adam', lambda g: torch.optim.Adam(g, betas=(0.8, 0.95), eps=1e-3)),
                           ('adamw', lambda g: torch.optim.AdamW(g, betas=(0.8, 0.95), eps=1e-3))]:
            for clip in (False, True):
                rates, weights = trained(make, clip)
                golden.put(name + ('_clipped' if clip else ''), weights.numpy())
        golden.put('rates', rates.numpy())
    print(f'{a.out}: torch {torch.__version__}')
