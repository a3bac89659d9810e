#!/usr/bin/env python3
"""Cityscapes' evaluation from result files to figures, ours beside cityscapesScripts in one run: drawn scenes of 2048x1024 pixels and
predictions made of their objects (moved, cut, doubled, of other classes). Best of N; the two take turns. And, once, the
reader: the instances that `mrcnn dataset convert --from cityscapes` makes of the same folder, beside the script's maps.

usage: compare_cityscapes_eval.py [--json] [--rounds N] [--images 16] [--program build/release/mrcnn]      (venv: see scripts/golden_cityscapes)
prints {"ours": s, "theirs": s, "ratio": r, "difference": of all figures, "predictions": n, "pixels_differ": of the reader}
"""
import argparse, contextlib, io, json, math, os, pathlib, random, subprocess, sys, time

os.environ.setdefault('OMP_NUM_THREADS', '2')
ROOT = pathlib.Path(__file__).resolve().parent.parent
p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--json', action='store_true')
p.add_argument('--rounds', type=int, default=2)
p.add_argument('--images', type=int, default=16)
p.add_argument('--program', default=str(ROOT / 'build/release/mrcnn'))
a = p.parse_args()

import numpy as np
from PIL import Image
import cityscapesscripts.evaluation.evalInstanceLevelSemanticLabeling as official

folder = ROOT / f'build/cityscapes_eval_{a.images}'
results = folder / 'results'
if not (results / 'done').exists():
    subprocess.run([a.program, 'dataset', 'draw', '--format', 'cityscapes', '--out', folder, '--images', str(a.images), '--split', 'val',
                    '--set', 'data.scenes.height=1024', '--set', 'data.scenes.width=2048', '--set', 'data.scenes.density=3'], check=True)
    (results / 'masks').mkdir(parents=True)
    r = random.Random(1)
    for gt in sorted((folder / 'gtFine/val').glob('*/*_instanceIds.png')):
        name = gt.name.replace('_gtFine_instanceIds.png', '')
        ids, lines = np.array(Image.open(gt)), []
        for number in np.unique(ids[ids >= 1000]):
            for _ in range(r.choice([0, 1, 1, 2, 3])):
                mask = np.roll(ids == number, (r.randint(-9, 9), r.randint(-9, 9)), (0, 1))
                if r.random() < .3: mask[:, :np.nonzero(mask)[1].min() + r.randint(1, 30)] = False
                label = number // 1000 if r.random() < .9 else r.choice([24, 25, 26, 27, 28, 31, 32, 33])
                Image.fromarray(mask.astype(np.uint8) * 255).save(results / f'masks/{name}_{len(lines)}.png')
                lines.append(f'masks/{name}_{len(lines)}.png {label} {r.random():.4f}\n')
        (results / f'{name}.txt').write_text(''.join(lines))
    (results / 'done').touch()
truths = sorted(str(t) for t in (folder / 'gtFine/val').glob('*/*_instanceIds.png'))
predictions = sum(len(t.read_text().splitlines()) for t in results.glob('*.txt'))


def theirs():
    args = official.args
    args.quiet, args.JSONOutput, args.predictionPath, args.predictionWalk = True, False, str(results), None
    args.gtInstancesFile = str(folder / 'gtInstances.json')
    if os.path.exists(args.gtInstancesFile): os.remove(args.gtInstancesFile)
    begin = time.perf_counter()
    with contextlib.chdir(folder), contextlib.redirect_stdout(io.StringIO()), np.errstate(all='ignore'):
        averages = official.evaluateImgLists([official.getPrediction(t, args) for t in truths], truths, args)['averages']
    seconds = time.perf_counter() - begin
    return seconds, [averages['allAp'], averages['allAp50%']] + [c[k] for c in averages['classes'].values() for k in ('ap', 'ap50%')]


def ours():
    begin = time.perf_counter()
    out = json.loads(subprocess.run([a.program, 'cityscapes-eval', folder / 'gtFine/val', results, '--json'], check=True,
                                    stdout=subprocess.PIPE, text=True).stdout)
    seconds = time.perf_counter() - begin
    figures = [out['AP'], out['AP50']] + [c[k] for c in out['per_class'].values() for k in ('AP', 'AP50')]
    return seconds, [math.nan if v is None else v for v in figures]


def reader_differs():
    """Pixels in which the objects of the converted file are not those of the maps."""
    coco = folder / 'coco_val.json'
    coco.unlink(missing_ok=True)
    subprocess.run([a.program, 'dataset', 'convert', '--from', 'cityscapes', folder, '--out', folder / 'coco.json'], check=True, stdout=subprocess.DEVNULL)
    data, wrong = json.loads(coco.read_text()), 0
    names = {c['id']: official.name2label[c['name']].id for c in data['categories']}
    files = {i['id']: i['file_name'] for i in data['images']}
    for image, file in files.items():
        ids = np.array(Image.open(folder / 'gtFine/val/drawn' / pathlib.Path(file).name.replace('_leftImg8bit', '_gtFine_instanceIds')))
        expected = {int(n): ids == n for n in np.unique(ids) if (n // 1000 if n >= 1000 else n) in names.values()}
        seen = np.zeros(ids.shape, np.int64)
        for o in (o for o in data['annotations'] if o['image_id'] == image):
            mask, label = decode(o['segmentation']), names[o['category_id']]
            number = label if o['iscrowd'] else next((n for n, m in expected.items() if n // 1000 == label and (m == mask).all()), 0)
            seen[mask] = number
        wrong += int((seen != np.where(np.isin(ids, list(expected)), ids, 0)).sum())
    return wrong


def decode(runs):
    """COCO's compressed runs."""
    if isinstance(runs['counts'], list): counts = runs['counts']
    else:
        counts, text, at = [], runs['counts'], 0
        while at < len(text):
            value, shift, more = 0, 0, True
            while more:
                c = ord(text[at]) - 48
                value, more, at, shift = value | (c & 31) << shift, c & 32, at + 1, shift + 5
            if c & 16: value -= 1 << shift
            counts.append(value + (counts[-2] if len(counts) > 2 else 0))
    flat = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return flat.reshape(runs['size'][::-1]).T


best = {}
for _ in range(a.rounds):
    for who in (ours, theirs):
        seconds, figures = who()
        best[who] = min(best.get(who, (1e9, None)), (seconds, figures), key=lambda b: b[0])
pairs = list(zip(best[ours][1], best[theirs][1]))
difference = max(0 if math.isnan(x) and math.isnan(y) else math.inf if math.isnan(x) or math.isnan(y) else abs(x - y) for x, y in pairs)
report = {'ours': round(best[ours][0], 4), 'theirs': round(best[theirs][0], 4), 'ratio': round(best[theirs][0] / best[ours][0], 2),
          'difference': difference, 'images': len(truths), 'predictions': predictions, 'pixels_differ': reader_differs()}
if a.json: print(json.dumps(report))
else: print(f"{len(truths)} images, {predictions} predictions: ours {report['ours']:.3f} s, cityscapesScripts {report['theirs']:.3f} s, {report['ratio']:.1f} times; "
            f"figures differ by {difference:.1e}; the reader's pixels: {report['pixels_differ']} differ")
sys.exit(0 if difference <= 1e-12 and report['pixels_differ'] == 0 else 1)
