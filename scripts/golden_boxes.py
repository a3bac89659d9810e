#!/usr/bin/env python3
"""Writes tests/golden/boxes.bin: what torchvision's operators on boxes and RoIs answer on random cases.

usage: golden_boxes.py [--cases 1000] [--seed 1] [--out tests/golden/boxes.bin]        needs torch, torchvision, numpy

More cases than fit a repository:  golden_boxes.py --cases 20000 --out /tmp/boxes.bin  and  MR_GOLDEN_BOXES=/tmp/boxes.bin test_ops
"""
import argparse, pathlib, sys
import numpy as np
import torch
import torchvision
from torchvision.models.detection import _utils as det, roi_heads
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.image_list import ImageList
from torchvision.ops.poolers import LevelMapper
sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from golden_file import GoldenFile, U, f32, hashed, i32, values

p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--cases', type=int, default=1000)
p.add_argument('--seed', type=int, default=1)
p.add_argument('--out', default='tests/golden/boxes.bin')
a = p.parse_args()
rng = np.random.default_rng(a.seed)
golden = GoldenFile(a.out)
put = golden.put

# RoIAlign and RoIPool. The map of case k is [1,H,W,1], values(k, …).
params, align0, align1, pool = [], [], [], []
for k in range(a.cases):
    h, w, size, sr = int(rng.integers(1, 21)), int(rng.integers(1, 21)), int(rng.integers(1, 4)), int(rng.integers(0, 4))
    stride = int(rng.choice([1, 4, 16]))
    c = rng.uniform(-.3, 1.3, 2)
    side = rng.uniform(0, 1, 2) ** 2 * rng.choice([1, 1, 1, 2, -.2])
    box = np.stack([c - side / 2, c + side / 2]) * [w * stride, h * stride]
    if rng.random() < .3: box = np.round(box * rng.choice([1, 2])) / 2  # whole and half pixels: where rounding decides
    roi = f32([0, *box.reshape(-1)])
    x = torch.from_numpy(values(k, h * w)).reshape(1, 1, h, w)
    r = torch.from_numpy(roi)[None]
    params.append(np.concatenate([f32([h, w, size, sr, stride]), roi]))
    align0.append(torchvision.ops.roi_align(x, r, size, 1 / stride, sr, False).reshape(-1))
    align1.append(torchvision.ops.roi_align(x, r, size, 1 / stride, sr, True).reshape(-1))
    pool.append(torchvision.ops.roi_pool(x, r, size, 1 / stride).reshape(-1))
put('roi.params', f32(np.stack(params)))
for name, results in (('roi.align0', align0), ('roi.align1', align1), ('roi.pool', pool)): put(name, f32(torch.cat(results)))

# NMS. Case k has n boxes; with u = hash(k, i) the box i has its corner at (u % 16, u>>8 % 16), sides 1 + u>>16 % 16, 1 + u>>24 % 16
# and score (u>>32 % 32)/32: IoUs at the threshold and equal scores are common.
sizes, kept = [], []
for k in range(a.cases):
    n, t = int(rng.integers(0, 33)), float(rng.choice([.3, .5, .7]))
    u = hashed(k, n)
    at = lambda s, m: ((u >> U(s)) % U(m)).astype('<f4')
    x, y = at(0, 16), at(8, 16)
    boxes = torch.from_numpy(np.stack([x, y, x + 1 + at(16, 16), y + 1 + at(24, 16)], 1).reshape(-1, 4))
    keep = torchvision.ops.nms(boxes, torch.from_numpy(at(32, 32) / 32), t).numpy()
    sizes.append([n, round(t * 10), len(keep)])
    kept.append(keep)
put('nms.params', np.asarray(sizes, dtype='u1'))
put('nms.kept', np.concatenate(kept).astype('u1'))

# Anchors: three sizes on one map (C4), and one a level with strides that differ along the axes.
for name, anchor_sizes, image, grid in (('c4', (32, 77, 256), (48, 80), (3, 5)), ('level', (128,), (96, 100), (6, 4))):
    ratios = (.5, 1., 2.) if name == 'c4' else (.3, 1.7)
    gen = AnchorGenerator((anchor_sizes,), (ratios,))
    anchors = gen(ImageList(torch.zeros(1, 3, *image), [image]), [torch.zeros(1, 1, *grid)])[0]
    put(f'anchors.{name}', f32(anchors))

# Matching on a grid of anchors: ties are common.
g = AnchorGenerator(((32, 48),), ((.5, 1., 2.),))
boxes = g(ImageList(torch.zeros(1, 3, 96, 128), [(96, 128)]), [torch.zeros(1, 1, 12, 16)])[0]
gt = f32(np.concatenate([np.round(rng.uniform(0, 90, (7, 2))), np.zeros((7, 2))], 1))
gt[:, 2:] = gt[:, :2] + np.round(rng.uniform(4, 60, (7, 2)))
gt = torch.from_numpy(gt)
iou = torchvision.ops.box_iou(gt, boxes)
assert (iou.max(1).values > 0).all()
put('match.gt', f32(gt))
put('match.rpn', i32(det.Matcher(.7, .3, True)(iou)))
put('match.roi', i32(det.Matcher(.5, .5, False)(iou)))
put('match.iou', f32(iou[:, ::61]))

# Box coder, levels.
n = 64
anchors = torch.from_numpy(f32(rng.uniform(0, 500, (n, 4))))
anchors[:, 2:] = anchors[:, :2] + 1 + torch.from_numpy(f32(rng.uniform(0, 300, (n, 2))))
boxes = anchors + torch.from_numpy(f32(rng.uniform(-.4, .4, (n, 4))))
coder = det.BoxCoder((10., 10., 5., 5.))
deltas = torch.from_numpy(f32(rng.normal(0, 4, (n, 8))))
put('coder.anchors', f32(anchors)); put('coder.boxes', f32(boxes)); put('coder.deltas', f32(deltas))
put('coder.encoded', f32(coder.encode_single(boxes, anchors)))
put('coder.decoded', f32(coder.decode_single(deltas, anchors)))
sides = np.exp(rng.uniform(0, 7, (200, 2)))
levels = torch.from_numpy(f32(np.concatenate([np.zeros((200, 2)), sides], 1)))
put('levels.boxes', f32(levels)); put('levels.k', i32(LevelMapper(2, 5)([levels])))

# Mask targets and mask paste. Mask i of a 24×32 image: an ellipse, cut by the border for some.
yy, xx = np.mgrid[0:24, 0:32] + .5
ellipses = f32([[16, 12, 9, 6], [2, 3, 6, 5], [30, 20, 8, 9], [16, 12, 40, 40]])
masks = np.stack([((xx - x) / rx) ** 2 + ((yy - y) / ry) ** 2 < 1 for x, y, rx, ry in ellipses])
which = np.arange(24) % 4
rois = np.stack([[x - rx, y - ry, x + rx, y + ry] for x, y, rx, ry in ellipses])[which] + rng.uniform(-4, 4, (24, 4))
rois = f32(np.clip(rois, 0, [32, 24, 32, 24]))
rois[:4] = [[0, 0, 32, 24], [0, 0, 5, 5], [31, 20, 32, 24], [3, 4, 3.2, 4.1]]
soft = roi_heads.project_masks_on_boxes(torch.from_numpy(masks.astype('u1')), torch.from_numpy(rois), torch.from_numpy(which), 7)
hard = torchvision.ops.roi_align(torch.from_numpy(f32(masks))[:, None], torch.from_numpy(np.concatenate([f32(which)[:, None], rois], 1)), 7, 1., 0, True)[:, 0]
put('masks.bits', masks.astype('u1')); put('masks.which', i32(which)); put('masks.rois', rois)
put('masks.soft', f32(soft)); put('masks.aligned', f32(hard))
m = torch.from_numpy(f32(rng.uniform(0, 1, (6, 1, 5, 5))))
boxes = torch.from_numpy(f32([[3.3, 4.2, 20.1, 15.9], [-4, -3, 6.5, 7.2], [25, 18, 39, 30.5], [10, 10, 10.2, 10.3], [0, 0, 32, 24], [7.5, 1.5, 12.5, 21]]))
put('paste.masks', f32(m[:, 0])); put('paste.boxes', f32(boxes))
put('paste.values', f32(roi_heads.paste_masks_in_image(m, boxes, (24, 32))[:, 0]))
golden.out.close()
