#!/usr/bin/env python3
"""RoIAlign and RoIPool, ours beside torchvision's operators, in one run on the same boxes: 1000 RoIs, 7×7 bins, 256 channels,
a 200×304 map of stride 4, two threads each. Best of N after a warm-up; the two programs take turns.

usage: compare_roi.py [--json] [--repeat N] [--rounds N] [--bench build/release/bench/bench_ops_roi] [--device cpu|cuda]
prints {"align.forward": {"ours": s, "torch": s, "ratio": r}, "align.backward": …, "pool.forward": …, "pool.backward": …,
        "warp.forward": {"ours": s, "align": s, "cost": r}, …}      of ours that torchvision has not: how many RoIAligns each costs
"""
import argparse, json, os, subprocess, tempfile, time

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--json', action='store_true')
p.add_argument('--repeat', type=int, default=3)
p.add_argument('--rounds', type=int, default=2)
p.add_argument('--device', default='cpu', choices=['cpu', 'cuda'])
p.add_argument('--bench', default='build/release/bench/bench_ops_roi')
a = p.parse_args()

import torch
import torchvision

torch.set_num_threads(2)
torch.manual_seed(0)
x = torch.randn(1, 256, 200, 304, device=a.device, requires_grad=True)
b = torch.rand(1000, 4)
b[:, 2:] = b[:, :2] + b[:, 2:] * .3 + .02
rois = torch.cat([torch.zeros(1000, 1), b.clamp(max=1) * torch.tensor([1216., 800., 1216., 800.])], 1).contiguous()


there, together = rois.to(a.device), 8 if a.device == 'cuda' else 1  # a GPU is given several runs and waited for once


def seconds(work):
    if a.device == 'cuda': torch.cuda.synchronize()
    t = time.perf_counter(); y = work()
    if a.device == 'cuda': torch.cuda.synchronize()
    return (time.perf_counter() - t) / together, y


def torch_side(op):
    forward, backward = [], []
    for i in range(a.repeat + 1):
        x.grad = None
        t, all = seconds(lambda: [op() for _ in range(together)])
        forward.append(t)
        g = torch.ones_like(all[0])
        backward.append(seconds(lambda: [y.backward(g) for y in all])[0])
    return min(forward[1:]), min(backward[1:])


ops = {'align': lambda: torchvision.ops.roi_align(x, there, 7, .25, 2), 'pool': lambda: torchvision.ops.roi_pool(x, there, 7, .25)}
alone = ('warp', 'precise', 'crop')
best, of_align = {}, {}


def our_side(name):
    out = subprocess.run([a.bench, '--rois', f.name, '--only', name, '--repeat', str(4 * a.repeat), '--device', a.device], env=dict(os.environ, OMP_NUM_THREADS='2'),
                         capture_output=True, text=True, check=True)
    return json.loads(out.stdout)[name]


with tempfile.NamedTemporaryFile() as f:
    f.write(rois.numpy().tobytes())
    f.flush()
    for _ in range(a.rounds):
        for name, op in ops.items():
            ours = our_side(name)
            theirs = dict(zip(('forward', 'backward'), torch_side(op)))
            for way in ('forward', 'backward'):
                o, t = best.get(f'{name}.{way}', (9e9, 9e9))
                best[f'{name}.{way}'] = min(o, ours[way]), min(t, theirs[way])
        for name in ('align', *alone):
            for way, s in our_side(name).items(): of_align[f'{name}.{way}'] = min(s, of_align.get(f'{name}.{way}', 9e9))

result = {k: {'ours': round(o, 5), 'torch': round(t, 5), 'ratio': round(t / o, 2)} for k, (o, t) in best.items()}
for name in alone:
    for way in ('forward', 'backward'):
        ours, align = of_align[f'{name}.{way}'], of_align[f'align.{way}']
        result[f'{name}.{way}'] = {'ours': round(ours, 5), 'align': round(align, 5), 'cost': round(ours / align, 2)}
if a.json:
    print(json.dumps(result))
else:
    for k, v in result.items():
        if 'cost' in v: print(f"{k:15s} ours {v['ours'] * 1e3:8.1f} ms   our RoIAlign {v['align'] * 1e3:6.1f} ms   {v['cost']:6.2f} of it")
        else: print(f"{k:15s} ours {v['ours'] * 1e3:8.1f} ms   torchvision {v['torch'] * 1e3:8.1f} ms   {v['ratio']:6.1f}×")
