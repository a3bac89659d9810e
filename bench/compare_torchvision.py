#!/usr/bin/env python3
"""Mask R-CNN R50-FPN at 800×1216, ours beside the newest torch and torchvision, in one run on the same weights and objects.

Two threads each; frozen norms, stem and res2 frozen; torch eager, channels_last; best of N after a warm-up. The two programs take
turns, mode by mode, so that a noisy machine is noisy for both.

usage: compare_torchvision.py [--json] [--repeat N] [--modes f32,bf16 (default: bf16 only where the processor has it)] [--limit S]
                              [--device cpu|cuda] [--batch N]
                              [--bench build/release/bench/bench_model]
prints {"f32.inference": {"ours": s, "torch": s, "ratio": r}, "f32.train": …, "bf16.inference": …, "bf16.train": …, "peak_gib": …}
--limit S stops a measurement of torch's after S seconds: where bf16 is emulated, one step takes it minutes. Its time and the ratio are then
"more than". On a GPU both queue four runs and wait for the last; seconds are those of a batch, and "recorded" is our step as a CUDA graph.
"""
import argparse, json, os, subprocess, sys, tempfile
from peer import has_bf16

p = argparse.ArgumentParser()
p.add_argument('--json', action='store_true'); p.add_argument('--repeat', type=int, default=4)
p.add_argument('--limit', type=int, default=0)
p.add_argument('--device', default='cpu', choices=['cpu', 'cuda']); p.add_argument('--batch', type=int, default=1)
p.add_argument('--modes', default='f32,bf16' if has_bf16() else 'f32'); p.add_argument('--bench', default='build/release/bench/bench_model')
p.add_argument('--side', help=argparse.SUPPRESS); p.add_argument('--dir', help=argparse.SUPPRESS)
a = p.parse_args()
H, W = 800, 1216


def model():
    import torch
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    from torchvision.ops.misc import FrozenBatchNorm2d
    torch.set_num_threads(2); torch.manual_seed(0)
    m = MaskRCNN(resnet_fpn_backbone(backbone_name='resnet50', weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=3), 9, min_size=800, max_size=1333)
    for b in m.modules():  # untrained: keep activations of moderate size, as trained frozen norms do
        if isinstance(b, FrozenBatchNorm2d): b.weight.mul_(0.5)
    return m


def inputs():
    import torch
    g = torch.Generator().manual_seed(1)
    r = lambda lo, hi: int(torch.randint(lo, hi, (1,), generator=g))
    x = torch.rand(3, H, W, generator=g)
    boxes, masks = [], torch.zeros(10, H, W, dtype=torch.uint8)
    for i in range(10):
        x0, y0, w, h = r(0, W - 200), r(0, H - 200), r(30, 190), r(30, 190)
        boxes.append([x0, y0, x0 + w, y0 + h]); masks[i, y0:y0 + h, x0:x0 + w] = 1
    return x, dict(boxes=torch.tensor(boxes, dtype=torch.float32), labels=torch.randint(1, 9, (10,), generator=g), masks=masks)


def make(folder):
    import torch
    from safetensors.torch import save_file
    m = model(); x, t = inputs()
    torch.save(m.state_dict(), folder + '/weights.pth')
    mean, std = torch.tensor([.485, .456, .406]), torch.tensor([.229, .224, .225])
    save_file(dict(image=((x - mean[:, None, None]) / std[:, None, None]).contiguous(), boxes=t['boxes'], labels=t['labels']), folder + '/input.safetensors')


def torch_side(mode):
    import resource, signal, time, torch
    def stop(*_): raise TimeoutError
    signal.signal(signal.SIGALRM, stop)
    m = model().to(a.device, memory_format=torch.channels_last); x, t = inputs()
    x, t = [x.to(a.device)] * a.batch, [{k: v.to(a.device) for k, v in t.items()}] * a.batch
    ac = lambda: torch.autocast(a.device, dtype=torch.bfloat16, enabled=mode == 'bf16')
    together = 4 if a.device == 'cuda' else 1
    def best(run):
        times = []
        signal.alarm(a.limit)
        try:
            for _ in range(a.repeat + 1):
                s = time.time()
                for _ in range(together): run()
                if a.device == 'cuda': torch.cuda.synchronize()
                times.append((time.time() - s) / together)
        except TimeoutError: pass
        signal.alarm(0)
        return min(times[1:] or times, default=None)
    opt = torch.optim.SGD([q for q in m.parameters() if q.requires_grad], lr=1e-5, momentum=.9)
    def infer():
        with torch.no_grad(), ac(): infer.y = m(x)
    def step():
        with ac(): s = sum(m(x, t).values())
        opt.zero_grad(); s.backward(); opt.step()
    infer.y = [dict(boxes=[])]
    m.eval(); i = best(infer); m.train(); s = best(step)
    print(json.dumps(dict(inference=i, train=s, detections=len(infer.y[0]['boxes']), version=torch.__version__,
                          peak_gib=torch.cuda.max_memory_reserved() / 2 ** 30 if a.device == 'cuda' else resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2 ** 20)))


def run(command):
    out = subprocess.run(command, capture_output=True, text=True, env=dict(os.environ, OMP_NUM_THREADS='2'))
    if out.returncode: sys.exit(f'{command[0]} failed: {out.stderr[-2000:]}')
    return json.loads(out.stdout.strip().splitlines()[-1])


if a.side == 'make': make(a.dir)
elif a.side: torch_side(a.side)
else:
    result = {}
    with tempfile.TemporaryDirectory() as folder:
        me = [sys.executable, os.path.abspath(__file__), '--repeat', str(a.repeat), '--limit', str(a.limit), '--device', a.device, '--batch', str(a.batch)]
        subprocess.run(me + ['--side', 'make', '--dir', folder], check=True)
        for mode in a.modes.split(','):
            ours = run([a.bench, '--weights', folder + '/weights.pth', '--input', folder + '/input.safetensors', '--precision', mode, '--repeat', str(a.repeat),
                        '--device', a.device, '--batch', str(a.batch)])
            theirs = run(me + ['--side', mode])
            for what in ('inference', 'train'):
                more = ' more than' if theirs[what] is None else ''
                t = theirs[what] or a.limit
                result[f'{mode}.{what}'] = {'ours': round(ours[what], 3), 'torch' + more: round(t, 3), 'ratio' + more: round(t / ours[what], 2)}
            if a.device == 'cuda': result[f'{mode}.recorded'] = {'ours': round(ours['recorded'], 4), 'ratio': round((theirs['train'] or a.limit) / ours['recorded'], 2)}
            result[f'{mode}.peak_gib'] = dict(ours=ours['peak_gib'], torch=round(theirs['peak_gib'], 2), precision=ours['precision'], isa=ours['isa'])
            result['torch'] = theirs['version']
    if a.json: print(json.dumps(result))
    else:
        for k, v in result.items(): print(f'{k:18} {v}')
