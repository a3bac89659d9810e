#!/usr/bin/env python3
"""Are the drawn scenes a fair exam? A torchvision model of the size of scenes_small learns the same scenes for the same minutes.

The scenes are written out as COCO files, so that the peer reads what anybody would; its pictures are decoded beforehand and cost it
nothing. Both are judged on the same 100 unseen scenes by `mrcnn coco-eval`.

usage: compare_scenes.py [--minutes M] [--out build/scenes] [--program build/release/mrcnn] [--json]
prints {"minutes": m, "ours": {"AP": ..., "images": n}, "torch": {...}, "ratio": r}
"""
import argparse
import json
import math
import os
import random
import shutil
import subprocess
import sys
import time

from peer import decode_mask, has_bf16

parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
parser.add_argument("--minutes", type=float, default=9)
parser.add_argument("--out", default="build/scenes")
parser.add_argument("--program", default="build/release/mrcnn")
parser.add_argument("--json", action="store_true")
args = parser.parse_args()

TRAIN, VAL, BATCH = 4000, 100, 8
MEAN, STD = [0.5] * 3, [0.25] * 3


def program(*words):
    return subprocess.run([args.program, *words], check=True, capture_output=True, text=True).stdout


def ours():
    run = f"{args.out}/ours"
    program("train", "scenes_small", "--out", run, "--set", f"train.budget={args.minutes * 60:.0f}s")
    lines = [json.loads(line) for line in open(f"{run}/metrics.jsonl")]
    steps = max(line.get("iteration", 0) for line in lines)
    figures = json.loads(program("eval", f"{run}/best.safetensors", "--annotations", f"{args.out}/val/instances_val.json", "--images",
                                 f"{args.out}/val/images", "--json"))
    return {"AP": round(figures["segm"]["AP"], 4), "AP50": round(figures["segm"]["AP50"], 4), "images": steps * BATCH}


def peer():
    """torchvision's Mask R-CNN with a ResNet-18 of half the width, a pyramid of 64 channels and heads as scenes_small has them."""
    from torch import nn
    import torchvision
    from torchvision.models.detection import MaskRCNN
    from torchvision.models.detection.backbone_utils import BackboneWithFPN
    from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
    from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
    from torchvision.models.detection.rpn import AnchorGenerator
    from torchvision.models.resnet import BasicBlock

    backbone = torchvision.models.resnet18(weights=None)
    backbone.conv1, backbone.bn1, backbone.inplanes = nn.Conv2d(3, 32, 7, 2, 3, bias=False), nn.BatchNorm2d(32), 32
    for i, width in enumerate((32, 64, 128, 256)):
        setattr(backbone, f"layer{i + 1}", backbone._make_layer(BasicBlock, width, 2, stride=1 if i == 0 else 2))
    for m in backbone.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
    fpn = BackboneWithFPN(backbone, {f"layer{i + 1}": str(i) for i in range(4)}, [32, 64, 128, 256], 64)
    model = MaskRCNN(fpn, None, min_size=192, max_size=1333, image_mean=MEAN, image_std=STD,
                     rpn_anchor_generator=AnchorGenerator(tuple((s,) for s in (12, 24, 48, 96, 192)), ((0.5, 1.0, 2.0),) * 5),
                     rpn_pre_nms_top_n_train=500, rpn_post_nms_top_n_train=300, rpn_pre_nms_top_n_test=500, rpn_post_nms_top_n_test=300,
                     rpn_batch_size_per_image=128, box_batch_size_per_image=64,
                     box_head=TwoMLPHead(64 * 49, 256), box_predictor=FastRCNNPredictor(256, 9),
                     mask_head=MaskRCNNHeads(64, (64, 64), 1), mask_predictor=MaskRCNNPredictor(64, 64, 9))
    model.transform.resize = lambda image, target: (image, target)                # native size
    return model


def load(split):
    """[(image id, uint8 [3,H,W], targets)], with masks as COCO's RLE strings until they are needed; and the category ids of labels 1, 2, …"""
    import numpy as np
    import torch
    from PIL import Image

    folder = f"{args.out}/{split}"
    file = json.load(open(f"{folder}/instances_{split}.json"))
    categories = [c["id"] for c in file["categories"]]
    objects = {}
    for a in file["annotations"]:
        a["label"] = 1 + categories.index(a["category_id"])
        objects.setdefault(a["image_id"], []).append(a)
    out = []
    for i in file["images"]:
        pixels = np.asarray(Image.open(f"{folder}/images/{i['file_name']}").convert("RGB"))
        out.append((i["id"], torch.from_numpy(pixels.copy()).permute(2, 0, 1), objects.get(i["id"], [])))
    return out, categories


def sample(entry):
    import torch
    _, pixels, objects = entry
    image, width = pixels.float() / 255, pixels.shape[2]
    boxes = torch.tensor([[a["bbox"][0], a["bbox"][1], a["bbox"][0] + a["bbox"][2], a["bbox"][1] + a["bbox"][3]] for a in objects]).reshape(-1, 4).float()
    masks = torch.stack([torch.from_numpy(decode_mask(a["segmentation"], *pixels.shape[1:])) for a in objects])
    if random.random() < 0.5:
        image, masks = image.flip(2), masks.flip(2)
        boxes = torch.stack([width - boxes[:, 2], boxes[:, 1], width - boxes[:, 0], boxes[:, 3]], 1)
    return image, {"boxes": boxes, "labels": torch.tensor([a["label"] for a in objects]), "masks": masks}


def theirs():
    import numpy as np
    import torch
    from pycocotools import mask

    torch.set_num_threads(2)
    torch.manual_seed(0)
    random.seed(0)
    model = peer().to(memory_format=torch.channels_last).train()
    train = [e for e in load("train")[0] if e[2]]
    optimiser = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9, weight_decay=1e-4, nesterov=True)
    cast = has_bf16()
    budget, spent, step = args.minutes * 60, 0.0, 0
    while spent < budget:
        batch = [sample(random.choice(train)) for _ in range(BATCH)]                # prepared off the clock
        start = time.time()
        rate = 0.02 * min(1, (step + 1) / 100) * 0.5 * (1 + math.cos(math.pi * spent / budget))
        for group in optimiser.param_groups:
            group["lr"] = rate
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=cast):
            loss = sum(model([x for x, _ in batch], [t for _, t in batch]).values())
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 10.0)
        optimiser.step()
        spent += time.time() - start
        step += 1
        if step % 20 == 0:
            print(f"torch: step {step}, loss {float(loss.detach()):.3f}, {step * BATCH / spent:.2f} images/s", file=sys.stderr, flush=True)
    model.eval()
    results = []
    with torch.no_grad():
        val, categories = load("val")
        for image_id, pixels, _ in val:
            found = model([pixels.float() / 255])[0]
            for score, label, m in zip(found["scores"].tolist(), found["labels"].tolist(), found["masks"]):
                code = mask.encode(np.asfortranarray((m[0] > 0.5).numpy().astype(np.uint8)))
                code["counts"] = code["counts"].decode()
                results.append({"image_id": image_id, "category_id": categories[label - 1], "score": score, "segmentation": code})
    json.dump(results, open(f"{args.out}/torch_results.json", "w"))
    figures = json.loads(program("coco-eval", f"{args.out}/val/instances_val.json", f"{args.out}/torch_results.json", "--type", "segm", "--json"))
    figures = figures.get("segm", figures)
    return {"AP": round(figures["AP"], 4), "AP50": round(figures["AP50"], 4), "images": step * BATCH, "precision": "bf16" if cast else "f32"}


shutil.rmtree(args.out, ignore_errors=True)
os.makedirs(args.out)
program("dataset", "draw", "--out", f"{args.out}/train", "--images", str(TRAIN))
program("dataset", "draw", "--out", f"{args.out}/val", "--split", "val", "--first", str(TRAIN), "--images", str(VAL))
result = {"minutes": args.minutes, "ours": ours(), "torch": theirs()}
result["ratio"] = round(result["ours"]["AP"] / max(result["torch"]["AP"], 1e-9), 3)
print(json.dumps(result) if args.json else result)
