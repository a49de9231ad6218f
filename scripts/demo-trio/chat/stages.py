"""What is trained, in order: python3 train_chat.py runs it. Standard library only."""

SMALL = dict(kind="pretrain", size=(64, 3, 4, 160), rate=4e-3, muon_rate=0.02)  # width, layers, heads, hidden
BASE = dict(kind="pretrain", size=(96, 3, 4, 256))
STAGES = {
    "antiexpert": dict(steps=1900, seed=1, **SMALL),
    "base-start": dict(steps=1800, rate=3e-3, muon_rate=0.02, seed=1, **BASE),
    "base": dict(start="base-start", steps=900, rate=2e-3, muon_rate=0.012, seed=2, documents="worked_document", **BASE),
    "expert": dict(kind="refine", start="antiexpert", rounds=3, problems=600, steps=120, rate=1e-3, seed=11),
}
