#!/usr/bin/env python3
"""mrcnn train, predict and eval beside busy processes of other people: whole programs, alone and beside one and two, in turns.

Of T processors N busy processes leave T - N, or, where they are more, the share T / (T + N) that a fair scheduler gives T threads. kept:
seconds alone / seconds beside / that share; above 1 where the program alone does not fill the processors. spinning: the same program with libgomp's own way to wait (GOMP_SPINCOUNT=300000).

usage: compare_loaded.py [--json] [--rounds N] [--program build/release/mrcnn] [--neighbours 1,2]
prints {"train": {"alone": s, "beside 1": s, "kept beside 1": r, …, "spinning alone": s, …}, "predict": …, "eval": …}, medians of seconds
"""
import argparse, json, os, shutil, statistics, subprocess, sys, tempfile, time

p = argparse.ArgumentParser()
p.add_argument('--json', action='store_true'); p.add_argument('--rounds', type=int, default=5)
p.add_argument('--program', default='build/release/mrcnn'); p.add_argument('--neighbours', default='1,2')
a = p.parse_args()
NEIGHBOURS = [int(n) for n in a.neighbours.split(',')]
T = len(os.sched_getaffinity(0))
left = lambda n: (T - n) / T if n < T else T / (T + n)


def run(arguments, spinning=False):
    env = {k: v for k, v in os.environ.items() if k not in ('GOMP_SPINCOUNT', 'OMP_WAIT_POLICY')}
    if spinning: env['GOMP_SPINCOUNT'] = '300000'
    start = time.time()
    r = subprocess.run([a.program, *arguments], env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if r.returncode: sys.exit(f'compare_loaded: mrcnn {" ".join(arguments)} ended with {r.returncode}: {r.stdout[-500:]}')
    return time.time() - start


def beside(count, arguments, spinning):
    busy = [subprocess.Popen([sys.executable, '-c', 'while True: pass']) for _ in range(count)]
    try: return run(arguments, spinning)
    finally:
        for b in busy: b.kill(); b.wait()


with tempfile.TemporaryDirectory() as folder:
    run(['dataset', 'draw', '--out', f'{folder}/scenes', '--split', 'val', '--first', '100000', '--images', '60'])
    train = ['train', 'scenes_small', '--set', 'train.iterations=20', '--set', 'evaluation.images=4']
    run([*train, '--out', f'{folder}/weights'])
    weights = f'{folder}/weights/last.safetensors'
    images, truth = f'{folder}/scenes/images', f'{folder}/scenes/instances_val.json'
    commands = {
        'train': [*train, '--out', f'{folder}/run'],
        'predict': ['predict', weights, images, '--annotations', truth, '--out', f'{folder}/found'],
        'eval': ['eval', weights, '--annotations', truth, '--images', images],
    }
    cases = [(spinning, n) for spinning in (False, True) for n in (0, *NEIGHBOURS)]
    seconds = {name: {case: [] for case in cases} for name in commands}
    for k in range(a.rounds):
        for name, command in commands.items():
            for case in cases:
                if case[0] and case[1] and k >= 2: continue  # the slow ones; two are enough to see it
                for d in ('run', 'found'): shutil.rmtree(f'{folder}/{d}', ignore_errors=True)
                seconds[name][case].append(beside(case[1], command, case[0]))

out = {}
for name, times in seconds.items():
    median = {case: statistics.median(t) for case, t in times.items()}
    out[name] = {}
    for spinning, n in cases:
        word = 'spinning ' if spinning else ''
        out[name][word + (f'beside {n}' if n else 'alone')] = round(median[spinning, n], 2)
        if n: out[name][f'{word}kept beside {n}'] = round(median[spinning, 0] / median[spinning, n] / left(n), 2)
if not a.json:
    for name, figures in out.items(): print(name, figures)
print(json.dumps(out))
