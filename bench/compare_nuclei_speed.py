#!/usr/bin/env python3
"""Images per second in training of the small Mask R-CNN on nuclei: ours (nuclei_small) beside a torch model of the same size, at the same
work: batch 8, 128 RoIs an image, 256×256 crops at 0.75 to 1.5 times the size.

ResNet-18, ours with group norm and torch's with its live batch norm, a 128-channel pyramid, two fully connected layers of 512, four
mask convolutions of 128. torch: bf16 autocast (f32 where the processor has no bf16), channels_last, data prepared beforehand (its loader
costs it nothing); ours: the whole program, loader included. The two take turns, so that a noisy machine is noisy for both.

usage: compare_nuclei_speed.py --data DIR [--json] [--steps N] [--rounds N] [--program build/release/mrcnn]
prints {"ours": images/s, "torch_f32": images/s, "ratio": r}
"""
import argparse, json, os, subprocess, sys, tempfile, time
from peer import decode_mask, has_bf16

p = argparse.ArgumentParser()
p.add_argument('--data', required=True); p.add_argument('--json', action='store_true'); p.add_argument('--steps', type=int, default=8)
p.add_argument('--rounds', type=int, default=2); p.add_argument('--program', default='build/release/mrcnn')
p.add_argument('--side', action='store_true', help=argparse.SUPPRESS); p.add_argument('--autocast', type=int, default=1, help=argparse.SUPPRESS)
a = p.parse_args()
B, S = 8, 256


def batches(n):
    """Real crops with their instances, as the peer's recipe makes them, prepared beforehand."""
    import numpy as np, torch
    from PIL import Image
    rng = np.random.RandomState(0)
    J = json.load(open(a.data + '/instances_train.json')); by = {}
    for q in J['annotations']: by.setdefault(q['image_id'], []).append(q)
    out = []
    while len(out) < n * B:
        i = J['images'][rng.randint(len(J['images']))]
        im = np.asarray(Image.open(f"{a.data}/images/{i['file_name']}").convert('RGB'))
        h, w = im.shape[:2]; c = min(int(round(S / rng.uniform(.75, 1.5))), h, w); y, x = rng.randint(h - c + 1), rng.randint(w - c + 1)
        masks, boxes = [], []
        for q in by.get(i['id'], []):
            m = decode_mask(q['segmentation'], h, w)[y:y + c, x:x + c]
            m = np.asarray(Image.fromarray(m).resize((S, S), Image.NEAREST))
            if m.sum() < 8: continue
            ys, xs = np.where(m); masks.append(m); boxes.append([xs.min(), ys.min(), xs.max() + 1, ys.max() + 1])
        if not masks: continue
        t = np.asarray(Image.fromarray(im[y:y + c, x:x + c]).resize((S, S), Image.BILINEAR)).copy()
        out.append((torch.from_numpy(t).permute(2, 0, 1).float() / 255, dict(boxes=torch.tensor(np.array(boxes), dtype=torch.float32),
                    labels=torch.ones(len(boxes), dtype=torch.int64), masks=torch.from_numpy(np.array(masks)))))
    return [out[k * B:(k + 1) * B] for k in range(n)]


def torch_side():
    import torch, torchvision
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.rpn import AnchorGenerator
    from torchvision.models.detection.faster_rcnn import TwoMLPHead, FastRCNNPredictor
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    torch.set_num_threads(2); torch.manual_seed(0); C = 128
    bb = BackboneWithFPN(torchvision.models.resnet18(weights=None), {'layer1': '0', 'layer2': '1', 'layer3': '2', 'layer4': '3'}, [64, 128, 256, 512], C)
    m = MaskRCNN(bb, None, min_size=256, max_size=2048, image_mean=[.5] * 3, image_std=[.25] * 3,
                 rpn_anchor_generator=AnchorGenerator(tuple((s,) for s in (8, 16, 32, 64, 128)), ((.5, 1., 2.),) * 5), box_detections_per_img=300,
                 rpn_pre_nms_top_n_train=1000, rpn_post_nms_top_n_train=500, box_batch_size_per_image=128, rpn_batch_size_per_image=256,
                 box_head=TwoMLPHead(C * 49, 512), box_predictor=FastRCNNPredictor(512, 2), mask_head=MaskRCNNHeads(C, (C,) * 4, 1), mask_predictor=MaskRCNNPredictor(C, C, 2))
    m.transform.resize = lambda img, tgt: (img, tgt)
    m = m.to(memory_format=torch.channels_last).train()
    opt = torch.optim.SGD(m.parameters(), lr=.002, momentum=.9, nesterov=True)
    times = []
    for b in batches(a.steps):
        s = time.time()
        with torch.autocast('cpu', dtype=torch.bfloat16, enabled=bool(a.autocast)): loss = sum(m([x for x, _ in b], [t for _, t in b]).values())
        opt.zero_grad(); loss.backward(); opt.step(); times.append(time.time() - s)
    print(json.dumps(dict(rate=B * (a.steps - 2) / sum(times[2:]))))


def torch_rate(autocast):
    out = subprocess.run([sys.executable, os.path.abspath(__file__), '--side', '--data', a.data, '--steps', str(a.steps), '--autocast', str(autocast)], capture_output=True, text=True)
    if out.returncode: sys.exit('torch failed: ' + out.stderr[-2000:])
    return json.loads(out.stdout.strip().splitlines()[-1])['rate']


def our_rate():
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run([a.program, 'train', 'nuclei_small', '--out', folder + '/run', '--set', f'data.root={a.data}', '--set', f'train.iterations={a.steps + 4}', '--set', f'train.batch={B}', '--set', 'model.box.batch=128',
                              '--set', 'augment.scale_min=0.75', '--set', 'augment.scale_max=1.5', '--set', 'preprocess.enlarge=1',
                              '--set', 'train.budget=', '--set', 'evaluation.at=[]', '--set', 'train.log_every=1'], capture_output=True, text=True)
        if run.returncode: sys.exit('ours failed: ' + run.stderr[-2000:])
        lines = [json.loads(l) for l in open(folder + '/run/metrics.jsonl')]
        lines = [l for l in lines if 'images_per_second' in l][4:]
        return len(lines) / sum(1 / l['images_per_second'] for l in lines)


if a.side: torch_side()
else:
    modes = {'torch_bf16': 1, 'torch_f32': 0} if has_bf16() else {'torch_f32': 0}
    rates = {name: [] for name in ('ours', *modes)}
    for _ in range(a.rounds):
        rates['ours'].append(our_rate())
        for name, autocast in modes.items(): rates[name].append(torch_rate(autocast))
    r = {name: round(max(v), 2) for name, v in rates.items()}
    r['ratio'] = round(r['ours'] / max(r[name] for name in modes), 2)
    print(json.dumps(r) if a.json else r)
