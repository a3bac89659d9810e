#!/usr/bin/env python3
"""COCO evaluation from files to figures, ours beside faster-coco-eval in one run: data/coco_eval fifty times over (5,000 images,
42,000 objects, 36,700 detections), two threads each. Best of N; the two take turns.

usage: compare_coco_eval.py [--json] [--rounds N] [--times 50] [--data ../shared/data/coco_eval] [--bench build/release/bench/bench_data_coco_eval]
prints {"bbox": {"ours": s, "theirs": s, "ratio": r, "difference": of the twelve figures}, "segm": …}
"""
import argparse, json, os, subprocess, sys, time

os.environ.setdefault('OMP_NUM_THREADS', '2')
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
p.add_argument('--json', action='store_true')
p.add_argument('--rounds', type=int, default=3)
p.add_argument('--times', type=int, default=50)
p.add_argument('--data', default=os.path.join(ROOT, '../shared/data/coco_eval'))
p.add_argument('--bench', default=os.path.join(ROOT, 'build/release/bench/bench_data_coco_eval'))
a = p.parse_args()

import logging
import faster_coco_eval
from faster_coco_eval import COCO, COCOeval_faster

logging.disable(logging.INFO)
KEYS = ['AP', 'AP50', 'AP75', 'APs', 'APm', 'APl', 'AR1', 'AR10', 'AR100', 'ARs', 'ARm', 'ARl']
folder = os.path.join(ROOT, f'build/coco_eval_{a.times}')
if not os.path.exists(os.path.join(folder, 'instances_val2014_fakesegm100_results.json')):
    subprocess.run([os.path.join(ROOT, 'scripts/repeat_coco'), a.data, '--times', str(a.times), '--out', folder], check=True)


def theirs(truth, results, kind):
    begin = time.perf_counter()
    gt = COCO(truth)
    dt = gt.loadRes(results)
    e = COCOeval_faster(gt, dt, kind, print_function=lambda *x: None, rle_iou_max_workers=2)
    e.evaluate()
    e.accumulate()
    e.summarize()
    return time.perf_counter() - begin, [float(v) for v in e.stats[:12]]


def ours(truth, results, kind):
    out = json.loads(subprocess.run([a.bench, truth, results, kind, '1'], check=True, stdout=subprocess.PIPE, text=True).stdout)
    return out['seconds'], [out['figures'][k] for k in KEYS]


report = {}
for kind in ('bbox', 'segm'):
    files = os.path.join(folder, 'instances_val2014_100.json'), os.path.join(folder, f'instances_val2014_fake{kind}100_results.json')
    best = {}
    for _ in range(a.rounds):
        for who in (ours, theirs):
            seconds, figures = who(*files, kind)
            best[who] = min(best.get(who, (1e9, None)), (seconds, figures))
    difference = max(abs(x - y) for x, y in zip(best[ours][1], best[theirs][1]))
    report[kind] = {'ours': round(best[ours][0], 4), 'theirs': round(best[theirs][0], 4), 'ratio': round(best[theirs][0] / best[ours][0], 2),
                    'difference': difference}
    if not a.json: print(f"{kind}: ours {best[ours][0]:.3f} s, faster-coco-eval {best[theirs][0]:.3f} s, {best[theirs][0] / best[ours][0]:.1f} times; figures differ by {difference:.1e}")
if a.json: print(json.dumps(report))
sys.exit(0 if all(r['difference'] < 1e-9 for r in report.values()) else 1)
