#!/usr/bin/env python3
"""Writes tests/golden/weights/*.pth with torch, for tests/models/weights/pth_test.cpp.

Values follow value(i) = i / 4 - 1, which every type but the integers holds exactly, so that the test needs no second file.
Run once; the files are committed. usage: scripts/make_weight_goldens.py [folder]
"""
import collections
import pathlib
import sys

import torch

folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent / "tests/golden/weights")
folder.mkdir(parents=True, exist_ok=True)


def values(*shape, dtype=torch.float32):
    n = 1
    for s in shape:
        n *= s
    return (torch.arange(n, dtype=torch.float64) / 4 - 1).reshape(shape).to(dtype)


def mixed():
    base = values(4, 6)
    sd = collections.OrderedDict()
    sd["base"] = base
    sd["transposed"] = base.t()                       # shares base's storage, strides (1, 6)
    sd["block"] = base[1:3, 2:5]                      # offset 8
    sd["every_other"] = base[:, ::2]
    sd["expanded"] = values(3)[None, :].expand(2, 3)  # stride 0
    sd["channels_last"] = values(2, 3, 2, 2).contiguous(memory_format=torch.channels_last)
    sd["parameter"] = torch.nn.Parameter(values(5))
    sd["half"] = values(2, 3, dtype=torch.float16)
    sd["bfloat16"] = values(2, 3, dtype=torch.bfloat16)
    sd["double"] = values(2, 3, dtype=torch.float64)
    sd["long"] = torch.tensor(7)
    sd["int"] = torch.arange(3, dtype=torch.int32)
    sd["short"] = torch.arange(-1, 2, dtype=torch.int16)
    sd["char"] = torch.arange(-1, 2, dtype=torch.int8)
    sd["byte"] = torch.arange(250, 253, dtype=torch.uint8)
    sd["bool"] = torch.tensor([True, False])
    sd["empty"] = values(0, 3)
    return sd


class Tiny(torch.nn.Module):
    """A module's state dict carries _metadata, and num_batches_tracked."""

    def __init__(self):
        super().__init__()
        self.conv = torch.nn.Conv2d(2, 3, 2, bias=False)
        self.bn = torch.nn.BatchNorm2d(3)
        self.conv.weight.data = values(3, 2, 2, 2)


torch.save(mixed(), folder / "zip.pth")
torch.save(mixed(), folder / "legacy.pth", _use_new_zipfile_serialization=False)
torch.save(mixed(), folder / "protocol4.pth", pickle_protocol=4)
torch.save(Tiny().state_dict(), folder / "module.pth")
torch.save({"model": Tiny().state_dict(), "epoch": 3, "lr": 0.02, "device": torch.device("cpu"), "dtype": torch.float16,
            "size": torch.Size([1, 2]), "optimizer": torch.optim.SGD(Tiny().parameters(), lr=0.1).state_dict()}, folder / "checkpoint.pth")
print(sum(f.stat().st_size for f in folder.iterdir()), "bytes")
