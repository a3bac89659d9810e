"""What the comparisons with torch share: what the processor can do, and COCO's masks as arrays."""


def processor():
    """The name and the set of flags of the first processor (Linux)."""
    name, flags = "unknown", set()
    for line in open("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() == "model name": name = value.strip()
        if key.strip() == "flags": flags = set(value.split())
        if name != "unknown" and flags: break
    return name, flags


def has_bf16():
    """Whether bf16 products run in hardware. Elsewhere torch only emulates them, f32 is the harder peer, and the only one that ends."""
    return "avx512_bf16" in processor()[1]


def decode_mask(segmentation, height, width):
    """Polygons or either RLE of an annotation -> uint8 [height, width]."""
    from pycocotools import mask
    if isinstance(segmentation, list):
        segmentation = mask.merge(mask.frPyObjects(segmentation, height, width))
    elif isinstance(segmentation["counts"], list):
        segmentation = mask.frPyObjects(segmentation, height, width)
    return mask.decode(segmentation)
