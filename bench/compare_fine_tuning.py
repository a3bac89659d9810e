#!/usr/bin/env python3
"""What a pretrained trunk is worth: a fine-tuning as the README has it, beside the same run from random weights.

A ResNet-18 learns for some minutes to tell the objects of drawn scenes apart (recipe trunk_r18). `mrcnn recipe new --init` makes a recipe for it
and the data. That recipe is run with each seed from the trunk, and twice from random weights: as it stands, and with the norms of a run from
scratch (group norm).

usage: compare_fine_tuning.py DATA [--json] [--program build/release/mrcnn] [--out DIR] [--trunk-minutes 5] [--minutes 10] [--iterations N]
                              [--seeds 1,2,3] [--set KEY=VALUE]...
DATA holds instances_train.json, instances_val.json and images/. --iterations: a fixed length instead of --minutes, for a machine that does other
things. --out keeps the runs; what is finished there is not run again.
prints {"trunk": {"top1": a}, "pretrained": {"segm.AP": [one a seed], "mean": m}, "random": …, "random, group norm": …}
"""
import argparse, json, os, statistics, subprocess, sys, tempfile

p = argparse.ArgumentParser()
p.add_argument('data'); p.add_argument('--json', action='store_true'); p.add_argument('--program', default='build/release/mrcnn')
p.add_argument('--out'); p.add_argument('--trunk-minutes', type=float, default=5); p.add_argument('--minutes', type=float, default=10)
p.add_argument('--iterations', type=int, default=0); p.add_argument('--seeds', default='1,2,3'); p.add_argument('--set', action='append', default=[])
a = p.parse_args()
folder = a.out or tempfile.mkdtemp()
os.makedirs(folder, exist_ok=True)


def mrcnn(*arguments):
    r = subprocess.run([a.program, *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode: sys.exit(f'compare_fine_tuning: mrcnn {" ".join(arguments)} ended with {r.returncode}: {r.stdout[-800:]}')


def train(recipe, out, sets):
    """What the last evaluation of the run found. One that was cut short goes on."""
    if not os.path.exists(f'{out}/finished'):
        mrcnn('train', recipe, '--out', out, *(['--resume'] if os.path.exists(out) else []), *sum([['--set', s] for s in sets], []))
        open(f'{out}/finished', 'w').close()
    lines = [json.loads(l) for l in open(f'{out}/metrics.jsonl')]
    return [l for l in lines if 'evaluation' in l][-1]['evaluation']


def budget(minutes): return f'train.budget={round(60 * minutes)}s'


for split in ('train', 'val'):
    if not os.path.exists(f'{folder}/objects/{split}'):
        mrcnn('dataset', 'crops', 'scenes_small', '--split', split, '--out', f'{folder}/objects', '--set', 'data.scenes.height=256',
              '--set', 'data.scenes.width=512', '--set', 'data.scenes.images=1500', '--set', 'data.val_scenes=150')
found = train('trunk_r18', f'{folder}/trunk', [f'data.root={folder}/objects', budget(a.trunk_minutes)])
out = {'trunk': {'top1': found['top1']}}
mrcnn('recipe', 'new', '--annotations', f'{a.data}/instances_train.json', '--images', f'{a.data}/images', '--val-annotations',
      f'{a.data}/instances_val.json', '--init', f'{folder}/trunk/best.safetensors', '--out', f'{folder}/mine.toml', '--overwrite')
cases = {
    'pretrained': [],
    'random': ['train.init='],
    'random, group norm': ['train.init=', 'model.backbone.norm=group'],
}
length = f'train.iterations={a.iterations}' if a.iterations else budget(a.minutes)
for seed in a.seeds.split(','):
    for name, sets in cases.items():
        run = f'{folder}/{name.replace(", ", "_").replace(" ", "_")}_{seed}'
        AP = train(f'{folder}/mine.toml', run, [f'seed={seed}', length, *sets, *a.set])['segm']['AP']
        out.setdefault(name, {'segm.AP': []})['segm.AP'].append(AP)
        if not a.json: print(name, seed, AP, flush=True)
for name in cases: out[name]['mean'] = round(statistics.mean(out[name]['segm.AP']), 4)
print(json.dumps(out))
