"""What is trained, in order: python3 train.py runs it. Standard library only."""

SMALL = dict(kind="pretrain", size=(64, 3, 4, 160), rate=4e-3, muon_rate=0.02)  # width, layers, heads, hidden
# The weak pair is the strong one's architecture, trained for less long: it works sums out and often gets them wrong.
STAGES = {
    "base": dict(kind="pretrain", size=(128, 4, 4, 384), steps=5000, rate=3e-3, muon_rate=0.02, seed=1),
    "weak-antiexpert": dict(steps=1800, seed=1, **SMALL),
    "weak-expert": dict(kind="reinforce", start="weak-antiexpert", prompts=64, rate=5e-4, steps=110, seed=11),
    "weak2-antiexpert": dict(steps=1800, seed=2, **SMALL),
    "weak2-expert": dict(kind="reinforce", start="weak2-antiexpert", prompts=64, rate=5e-4, steps=110, seed=12),
    "strong-antiexpert": dict(steps=6000, seed=1, **SMALL),
    "strong-expert": dict(kind="reinforce", start="strong-antiexpert", prompts=48, rate=5e-4, steps=150, seed=11),
    "base-rl": dict(kind="reinforce", start="base", prompts=24, rate=6e-4, steps=112, seed=11),
}
