"""Weights and an image drawn from a hash of (name, index), the same in C++ (tests/models/golden_weights.h), and arrays written as C++."""
import numpy as np, torch
from golden_file import mix64
from torch import nn

def hash64(text):
    h = 0xcbf29ce484222325
    for c in text.encode(): h = ((h ^ c) * 0x100000001b3) & 0xffffffffffffffff
    return np.uint64(h)


def noise(name, n):
    """n numbers in [-1, 1), a function of the name and the index."""
    with np.errstate(over='ignore'):
        u = mix64(hash64(name) + np.arange(n, dtype=np.uint64))
    return ((u >> np.uint64(40)).astype(np.float64) * 2.0 ** -23 - 1).astype(np.float32)


def set_weights(model):
    """Each parameter and statistic becomes noise of its name, scaled so that values stay of one size from layer to layer."""
    with torch.no_grad():
        for name, t in list(model.named_parameters()) + list(model.named_buffers()):
            if 'anchor' in name or not t.is_floating_point(): continue
            v = noise(name, t.numel())
            if name.endswith('running_var'): v = 1 + 0.25 * v
            elif name.endswith('running_mean'): v = 0.1 * v
            elif 'bn' in name or 'downsample.1' in name: v = (0.75 if name.endswith('weight') else 0) + 0.25 * v
            elif name.endswith('bias'): v = 0.1 * v
            else:
                fan = t.numel() // t.shape[0] if 'conv5_mask' not in name else t.shape[0]
                gain = 4 if 'cls_score' in name or 'cls_logits' in name else 1.7
                v = v * np.float32(gain / np.sqrt(fan))
            t.copy_(torch.from_numpy(v).reshape(t.shape))


def noise_image(height, width):
    image = torch.from_numpy(noise('image', 3 * height * width)).reshape(3, height, width)
    return nn.functional.avg_pool2d(image[None], 5, 1, 2)[0] * 4          # smooth enough for the levels to see something


def array(kind, name, v, fmt='{:.9g}'):
    v = np.asarray(v.detach() if torch.is_tensor(v) else v).reshape(-1)
    def one(x):
        s = fmt.format(x)
        return s + ('f' if kind == 'float' and ('.' in s or 'e' in s) else '.0f' if kind == 'float' else '')
    text = ', '.join(one(x) for x in v.tolist())
    print(f'inline const std::vector<{kind}> {name} = {{{text}}};')
