#!/usr/bin/env python3
"""torchvision's side of the parity check: weights with spread scores, then what torchvision computes from them.

usage: parity_torchvision.py weights DIR [--steps N]                        DIR/trained.pth: maskrcnn_resnet50_fpn (91 classes), trained
                                                                          N steps on small images from random weights
       parity_torchvision.py spread DIR                                   DIR/weights.pth: the same, its scores spread
       parity_torchvision.py dump DIR                                     DIR/{predict_*,train}.safetensors: inputs, detections, losses, gradients

Run through scripts/parity, which also runs our side (tests/parity) on the same files.
Needs torch, torchvision, safetensors (a venv under build/); nothing in the build or the tests does.
"""
import argparse, json, os, sys, time
import numpy as np
import torch
import torchvision
from torchvision.models.detection import maskrcnn_resnet50_fpn
from torchvision.ops.misc import FrozenBatchNorm2d

torch.set_num_threads(2)


def build():
    torch.manual_seed(0)
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.backbone_utils import resnet_fpn_backbone
    m = MaskRCNN(resnet_fpn_backbone(backbone_name='resnet50', weights=None, norm_layer=FrozenBatchNorm2d, trainable_layers=3), 91)
    g = torch.Generator().manual_seed(1)
    for b in m.modules():  # statistics as a trained classifier has them: neither zero nor one
        if isinstance(b, FrozenBatchNorm2d):
            n = b.weight.numel()
            b.weight.copy_(0.45 + 0.1 * torch.rand(n, generator=g))
            b.bias.copy_(0.1 * torch.randn(n, generator=g))
            b.running_mean.copy_(0.1 * torch.randn(n, generator=g))
            b.running_var.copy_(0.8 + 0.4 * torch.rand(n, generator=g))
    return m


def drawn_batch(n, size, g):
    """Coloured rectangles and discs: enough for scores to spread."""
    images, targets = [], []
    for _ in range(n):
        x = 0.3 + 0.1 * torch.rand(3, size, size, generator=g)
        boxes, labels, masks = [], [], []
        for _ in range(int(torch.randint(3, 7, (1,), generator=g))):
            w, h = (int(v) for v in torch.randint(20, size // 2, (2,), generator=g))
            x0, y0 = int(torch.randint(0, size - w, (1,), generator=g)), int(torch.randint(0, size - h, (1,), generator=g))
            k = int(torch.randint(1, 21, (1,), generator=g))
            yy, xx = torch.meshgrid(torch.arange(size), torch.arange(size), indexing='ij')
            if k % 2:
                q = (xx >= x0) & (xx < x0 + w) & (yy >= y0) & (yy < y0 + h)
            else:
                q = ((xx - x0 - w / 2) / (w / 2)) ** 2 + ((yy - y0 - h / 2) / (h / 2)) ** 2 <= 1
            colour = torch.tensor([(k * 37 % 97) / 97., (k * 59 % 89) / 89., (k * 71 % 83) / 83.])
            x[:, q] = colour[:, None]
            boxes.append([x0, y0, x0 + w, y0 + h]); labels.append(k); masks.append(q)
        images.append(x)
        targets.append(dict(boxes=torch.tensor(boxes, dtype=torch.float32), labels=torch.tensor(labels), masks=torch.stack(masks).to(torch.uint8)))
    return images, targets


def make_weights(a):
    m = build()
    m.transform.min_size, m.transform.max_size = (128,), 128
    m.roi_heads.fg_bg_sampler.batch_size_per_image = 24          # an image; the full 512 would take hours here
    m.train()
    g = torch.Generator().manual_seed(2)
    opt = torch.optim.SGD([p for p in m.parameters() if p.requires_grad], lr=0.01, momentum=0.9, weight_decay=1e-4)
    t = time.time()
    for i in range(a.steps):
        for group in opt.param_groups: group['lr'] = 0.01 * min(1, (i + 1) / 50)
        images, targets = drawn_batch(2, 128, g)
        losses = m(images, targets)
        s = sum(losses.values())
        opt.zero_grad(); s.backward()
        torch.nn.utils.clip_grad_norm_(m.parameters(), 5.)
        opt.step()
        if i % 20 == 0: print(i, f'{time.time() - t:.0f} s', {k: round(float(v.detach()), 3) for k, v in losses.items()}, flush=True)
    torch.save(m.state_dict(), f'{a.dir}/trained.pth')


def spread(a):
    """A few hundred steps leave the background ahead nearly everywhere: scale objectness and classifier, and lower the background's
    logit until every picture has many detections with scores well apart."""
    m = build()
    m.load_state_dict(torch.load(f'{a.dir}/trained.pth'))
    m.eval()
    objectness = []
    hook = m.rpn.head.cls_logits.register_forward_hook(lambda mod, inp, out: objectness.append(out.detach().flatten()))
    with torch.no_grad():
        for x in test_images(): m([x])
        hook.remove()
        scale = 2.5 / float(torch.cat(objectness).std())
        m.rpn.head.cls_logits.weight.mul_(scale); m.rpn.head.cls_logits.bias.mul_(scale)
    p = m.roi_heads.box_predictor.cls_score
    logits = []
    hook = p.register_forward_hook(lambda mod, inp, out: logits.append(out.detach()))
    with torch.no_grad():
        for x in test_images(): m([x])
        hook.remove()
        margin = torch.cat([l[:, 1:].max(1).values - l[:, 0] for l in logits])
        scale = 2.5 / float(margin.std())
        p.weight.mul_(scale); p.bias.mul_(scale)
        p.bias[0] += float((margin * scale).quantile(0.8))       # a fifth of the RoIs has a class ahead of the background
        for x in test_images():
            s = m([x])[0]['scores']
            print(f'{tuple(x.shape[1:])}: {len(s)} detections, {f"{float(s.max()):.3f} … {float(s.min()):.3f}" if len(s) else ""}', flush=True)
    torch.save(m.state_dict(), f'{a.dir}/weights.pth')


def test_images():
    g = torch.Generator().manual_seed(3)
    for h, w in ((480, 640), (800, 1216), (333, 500), (600, 417)):
        images, _ = drawn_batch(1, max(h, w), g)
        texture = sum(torch.nn.functional.interpolate(torch.randn(1, 3, k, k, generator=g), (h, w), mode='bicubic')[0] for k in (8, 40, 200))
        x = (images[0][:, :h, :w] + 0.08 * texture).clamp(0, 1)      # on plain areas anchors tie, and either order is right
        yield ((x * 255).round() / 255).contiguous()


def save(path, tensors, meta):
    from safetensors.torch import save_file
    save_file({k: v.detach().contiguous() for k, v in tensors.items()}, path, {k: json.dumps(v) for k, v in meta.items()})


def dump(a):
    m = build()
    m.load_state_dict(torch.load(f'{a.dir}/weights.pth'))
    for x in test_images():
        h, w = x.shape[1:]
        m.eval()
        seen = {}
        hook = m.backbone.register_forward_pre_hook(lambda mod, inp: seen.update(x=inp[0]))
        raw = {}
        post = m.roi_heads.register_forward_hook(lambda mod, inp, out: raw.update(out[0][0], size=inp[2][0], proposals=inp[1][0]))
        with torch.no_grad(): y = m([x])[0]
        hook.remove(); post.remove()
        t = dict(image=(x * 255).round().to(torch.uint8).permute(1, 2, 0), input=seen['x'], raw_boxes=raw['boxes'], raw_masks=raw['masks'][:, 0], boxes=y['boxes'], scores=y['scores'],
                 labels=y['labels'].to(torch.int32), masks=(y['masks'][:, 0] > 0.5).to(torch.uint8), proposals=raw['proposals'])
        save(f'{a.dir}/predict_{h}x{w}.safetensors', t, dict(size=list(map(int, raw['size'])), proposals=len(raw['proposals'])))
        print(f'{h}x{w}: {len(y["boxes"])} detections, scores {float(y["scores"].max()):.3f} … {float(y["scores"].min()):.3f}', flush=True)

    # one training step at fixed samples
    g = torch.Generator().manual_seed(4)
    m.train()
    m.transform.min_size, m.transform.max_size = (256,), 400
    images, targets = drawn_batch(2, 320, g)
    images[1], targets[1]['masks'] = images[1][:, :256].contiguous(), targets[1]['masks'][:, :256].contiguous()
    b = targets[1]['boxes']; b[:, 3].clamp_(max=256)
    keep = (b[:, 3] - b[:, 1] > 8) & (targets[1]['masks'].flatten(1).sum(1) > 0)
    targets[1] = {k: v[keep] for k, v in targets[1].items()}
    seen = dict(rois=[])
    m.backbone.register_forward_pre_hook(lambda mod, inp: seen.update(x=inp[0]))
    sampler = m.rpn.fg_bg_sampler
    m.rpn.fg_bg_sampler = lambda labels: seen.setdefault('anchors', sampler(labels))
    select = m.roi_heads.select_training_samples
    def record(proposals, targets_):
        out = select(proposals, targets_); seen['rois'] = out; seen['targets'] = targets_; return out
    m.roi_heads.select_training_samples = record
    losses = m(images, targets)
    sum(losses.values()).backward()
    t = dict(input=seen['x'])
    for i in range(2):
        t[f'positive{i}'] = seen['anchors'][0][i].nonzero().flatten().to(torch.int32)
        t[f'negative{i}'] = seen['anchors'][1][i].nonzero().flatten().to(torch.int32)
        t[f'rois{i}'] = seen['rois'][0][i]; t[f'roi_gt{i}'] = seen['rois'][1][i].to(torch.int32); t[f'roi_labels{i}'] = seen['rois'][2][i].to(torch.int32)
        t[f'gt_boxes{i}'] = seen['targets'][i]['boxes']; t[f'gt_labels{i}'] = seen['targets'][i]['labels'].to(torch.int32)
        t[f'gt_masks{i}'] = seen['targets'][i]['masks']
    for n, p in m.named_parameters():
        if p.grad is not None: t['grad.' + n] = p.grad
    names = dict(loss_objectness='rpn_objectness', loss_rpn_box_reg='rpn_box', loss_classifier='class', loss_box_reg='box', loss_mask='mask')
    save(f'{a.dir}/train.safetensors', t, dict(losses={names[k]: float(v.detach()) for k, v in losses.items()},
                                             sizes=[list(seen['targets'][i]['masks'].shape[-2:]) for i in range(2)]))
    print({k: float(v.detach()) for k, v in losses.items()})


p = argparse.ArgumentParser()
p.add_argument('what', choices=['weights', 'spread', 'dump']); p.add_argument('dir'); p.add_argument('--steps', type=int, default=300)
a = p.parse_args()
os.makedirs(a.dir, exist_ok=True)
{'weights': make_weights, 'spread': spread, 'dump': dump}[a.what](a)
