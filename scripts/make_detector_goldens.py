#!/usr/bin/env python3
"""Writes tests/golden/weights/detectors/*: one tiny Mask R-CNN as different programs save it, for tests/models/weights/detectors_test.cpp.

The network has torchvision's names (ResNet-18 of width 2, a pyramid of 4 channels, 3 classes). Value i of the tensor NAME is
((crc32(NAME) + 37 i) mod 255 - 127) / 512, and of a variance 1 more than its magnitude, so that the test needs no second file. What detectron2 and Detectron write is laid out here by
hand, after their published names.

Run once; the files are committed. Needs torch and torchvision, and lightning for lightning.ckpt, which is left alone without it.
usage: scripts/make_detector_goldens.py [folder]
"""
import argparse
import collections
import datetime
import enum
import pathlib
import pickle
import re
import sys
import zlib

import numpy as np
import torch
from torch import nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.resnet import BasicBlock, ResNet
from torchvision.ops.misc import FrozenBatchNorm2d

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/golden/weights/detectors")
folder.mkdir(parents=True, exist_ok=True)
WIDTH, CHANNELS, CLASSES, HIDDEN = 2, 4, 3, 8


def values(name, shape):
    n = int(np.prod(shape))
    v = (zlib.crc32(name.encode()) + 37 * np.arange(n, dtype=np.int64)) % 255 - 127
    v = 1 + abs(v) / 512 if name.endswith("running_var") else v / 512
    return torch.from_numpy(v.astype(np.float32)).reshape(shape)


class TinyResNet(ResNet):
    def __init__(self):
        super().__init__(BasicBlock, [2, 2, 2, 2], norm_layer=FrozenBatchNorm2d)
        self.inplanes = WIDTH
        self.conv1 = nn.Conv2d(3, WIDTH, 7, 2, 3, bias=False)
        self.bn1 = FrozenBatchNorm2d(WIDTH)
        for i in range(4):
            setattr(self, f"layer{i + 1}", self._make_layer(BasicBlock, WIDTH << i, 2, stride=1 if i == 0 else 2))


def tiny():
    backbone = BackboneWithFPN(TinyResNet(), {f"layer{i + 1}": str(i) for i in range(4)}, [WIDTH << i for i in range(4)], CHANNELS)
    model = MaskRCNN(backbone, None, box_head=TwoMLPHead(CHANNELS * 49, HIDDEN), box_predictor=FastRCNNPredictor(HIDDEN, CLASSES + 1),
                     mask_head=MaskRCNNHeads(CHANNELS, (CHANNELS,) * 2, 1),
                     mask_predictor=MaskRCNNPredictor(CHANNELS, CHANNELS, CLASSES + 1))
    with torch.no_grad():
        for name, t in model.state_dict().items():
            t.copy_(values(name, t.shape))
    return model


class Split(enum.Enum):
    TRAIN = "train"


Size = collections.namedtuple("Size", ["height", "width"])


def reference():
    """As torchvision's references/detection/train.py writes it, with things of every kind among its arguments."""
    model = tiny()
    optimizer = torch.optim.SGD(model.roi_heads.mask_predictor.parameters(), lr=0.0, momentum=0.9, weight_decay=1e-4)
    for p in model.roi_heads.mask_predictor.parameters():
        p.grad = torch.zeros_like(p)
    optimizer.step()
    scheduler = torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[16, 22], gamma=0.1)
    args = argparse.Namespace(data_path="/datasets/coco", output=pathlib.PurePosixPath("runs/1"), lr=np.float64(0.02), steps=np.arange(3),
                              names=np.array(["cat", None], dtype=object), tags={"a", "b"}, frozen=frozenset([1]), split=Split.TRAIN,
                              size=Size(800, 1333), dtype=torch.float16, device=torch.device("cpu"), started=datetime.datetime(2026, 1, 2),
                              raw=b"\x00\xff", big=1 << 100, function=torch.nn.functional.relu, complex=1j, quantised=torch.qint8)
    return {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "lr_scheduler": scheduler.state_dict(), "args": args,
            "epoch": 25, "scaler": {"scale": 65536.0}}


def detectron2_name(name):
    name = name.replace("backbone.body.", "backbone.bottom_up.")
    name = re.sub(r"bottom_up\.(conv1|bn1)", r"bottom_up.stem.\1", name)
    name = re.sub(r"layer(\d)\.", lambda m: f"res{int(m[1]) + 1}.", name)
    name = name.replace("downsample.0", "shortcut").replace("downsample.1", "shortcut.norm")
    name = re.sub(r"\.bn(\d)", r".conv\1.norm", name)
    name = re.sub(r"fpn\.inner_blocks\.(\d)\.0", lambda m: f"fpn_lateral{int(m[1]) + 2}", name)
    name = re.sub(r"fpn\.layer_blocks\.(\d)\.0", lambda m: f"fpn_output{int(m[1]) + 2}", name)
    for theirs, ours in {"proposal_generator.rpn_head.conv.": "rpn.head.conv.0.0.", "proposal_generator.rpn_head.objectness_logits.":
                         "rpn.head.cls_logits.", "proposal_generator.rpn_head.anchor_deltas.": "rpn.head.bbox_pred.",
                         "box_head.fc1.": "box_head.fc6.", "box_head.fc2.": "box_head.fc7.",
                         "mask_head.deconv.": "mask_predictor.conv5_mask.", "mask_head.predictor.": "mask_predictor.mask_fcn_logits."}.items():
        name = name.replace(ours, theirs)
    return re.sub(r"mask_head\.(\d)\.0", lambda m: f"mask_head.mask_fcn{int(m[1]) + 1}", name)


def detectron2():
    """Background is last among the scores, and has no box and no mask."""
    out = collections.OrderedDict()
    for name, t in tiny().state_dict().items():
        if "cls_score" in name:
            t = torch.cat([t[1:], t[:1]])
        if "roi_heads.box_predictor.bbox_pred" in name:
            t = t[4:]
        if "mask_fcn_logits" in name:
            t = t[1:]
        out[detectron2_name(name)] = t.clone()
    out["proposal_generator.anchor_generator.cell_anchors.0"] = torch.zeros(3, 4)
    return out


def detectron():
    """Caffe2's blobs: norms are scale and shift, background is first."""
    blobs = {"lr": np.float32(0.0002)}
    for name, t in tiny().state_dict().items():
        if "running" in name:
            continue
        name = detectron2_name(name)
        name = name.replace("backbone.bottom_up.stem.conv1.norm", "res_conv1_bn").replace("backbone.bottom_up.stem.", "")
        name = re.sub(r"backbone\.bottom_up\.res(\d)\.(\d+)\.", r"res\1_\2_branch", name)
        name = name.replace("branchshortcut", "branch1").replace("branchconv1", "branch2a").replace("branchconv2", "branch2b")
        name = name.replace(".norm.", "_bn.")
        name = re.sub(r"backbone\.fpn_lateral5", "fpn_inner_res5_1_sum", name)
        name = re.sub(r"backbone\.fpn_lateral(\d)", r"fpn_inner_res\1_1_sum_lateral", name)
        name = re.sub(r"backbone\.fpn_output(\d)", r"fpn_res\1_1_sum", name)
        for theirs, ours in {"conv_rpn_fpn2": "proposal_generator.rpn_head.conv", "rpn_cls_logits_fpn2": "proposal_generator.rpn_head.objectness_logits",
                             "rpn_bbox_pred_fpn2": "proposal_generator.rpn_head.anchor_deltas", "fc6": "roi_heads.box_head.fc1",
                             "fc7": "roi_heads.box_head.fc2", "conv5_mask": "roi_heads.mask_head.deconv",
                             "mask_fcn_logits": "roi_heads.mask_head.predictor"}.items():
            name = name.replace(ours, theirs)
        name = re.sub(r"roi_heads\.mask_head\.mask_fcn(\d)", r"_[mask]_fcn\1", name).replace("roi_heads.box_predictor.", "")
        scale = "_bn.weight" in name
        name = name.replace(".weight", "_s" if scale else "_w").replace(".bias", "_b")
        blobs[name] = t.numpy()
    blobs["conv1_w_momentum"] = np.zeros((WIDTH, 3, 7, 7), np.float32)
    return {"blobs": blobs, "cfg": "MODEL:\n  TYPE: generalized_rcnn\n"}


def lightning(path):
    import lightning

    class Module(lightning.LightningModule):
        def __init__(self, lr, where):
            super().__init__()
            self.save_hyperparameters()
            self.model = torch.compile(tiny())

        def training_step(self, batch):
            return 0 * sum(p.sum() for p in self.parameters() if p.requires_grad)

        def configure_optimizers(self):
            return torch.optim.SGD(self.model.roi_heads.mask_predictor.parameters(), lr=self.hparams.lr)

    trainer = lightning.Trainer(max_steps=1, accelerator="cpu", logger=False, enable_checkpointing=False, enable_progress_bar=False,
                                enable_model_summary=False)
    trainer.fit(Module(0.0, pathlib.PurePosixPath("runs/2")), torch.utils.data.DataLoader([0]))
    trainer.save_checkpoint(path)


torch.save(reference(), folder / "reference.pth")
torch.save(torch.compile(tiny()).state_dict(), folder / "compiled.pth")
torch.save(torch.optim.swa_utils.AveragedModel(tiny(), multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.99)).state_dict(),
           folder / "averaged.pth")
torch.save({"detector." + name: t for name, t in tiny().state_dict().items()}, folder / "renamed.pth")
torch.save({"model": detectron2(), "optimizer": {"state": {}, "param_groups": []}, "scheduler": {"last_epoch": 9}, "iteration": 9},
           folder / "detectron2.pth")
with open(folder / "detectron2.pkl", "wb") as f:
    pickle.dump({"model": {name: t.numpy() for name, t in detectron2().items()}, "__author__": "Detectron2 Model Zoo"}, f)
with open(folder / "detectron.pkl", "wb") as f:
    pickle.dump(detectron(), f, protocol=2)
torch.save(nn.Sequential(nn.Conv2d(1, 1, 1)), folder / "whole_module.pt")
torch.save(torch.optim.SGD(nn.Conv2d(1, 1, 1).parameters(), lr=0.1, momentum=0.9).state_dict(), folder / "optimiser.pth")
torch.jit.script(nn.Conv2d(1, 1, 1)).save(folder / "torchscript.pt")
try:
    lightning(folder / "lightning.ckpt")
except ImportError:
    print("lightning.ckpt is left as it was: the package lightning is missing")
print(sum(f.stat().st_size for f in folder.iterdir()), "bytes")
