"""The demo task: small sums, told in words or written out, worked out in steps or guessed hastily. Standard library only."""
import hashlib
import random
import re

CHARACTERS = list("0123456789+-=;#?:,QSAT \n")
NAMES = [" Ann", " Ben", " Eva", " Kim", " Max", " Tom"]
THINGS = [" cards", " coins", " eggs", " nuts", " pens"]
GAINS = [" buys", " finds", " gets", " picks", " wins"]
LOSSES = [" drops", " eats", " gives", " loses", " sells"]
BYSTANDERS = [" birds", " cats", " dogs"]
WORDS = NAMES + THINGS + GAINS + LOSSES + BYSTANDERS + [" has", " sees"]
TOKENS = ["<pad>", "<bos>", "<eos>"] + CHARACTERS + WORDS
N_TOKENS = 64
TOKENS += [f"<u{i}>" for i in range(N_TOKENS - len(TOKENS))]
PAD, BOS, EOS = 0, 1, 2
ID = {text: index for index, text in enumerate(TOKENS)}

OPERAND_MAX = 99  # operands are 1..99
TOTAL_LIMIT = 200  # running totals stay in 0..199
SLIP = 0.1  # a step of a worked answer goes wrong this often
OPENING = "S:"  # of a worked answer

CONTEXT = 512
MAX_NEW = 72  # tokens of an answer
ROW_LENGTH, ROWS = 160, 6  # of a training step: some three documents a row, which do not see each other

_PIECE = re.compile(r" [A-Za-z]+|.", re.DOTALL)


def encode(text):
    """Token ids: a word with its space is one token, everything else one a character."""
    return [ID[piece] for piece in _PIECE.findall(text)]


def decode(ids):
    return "".join(TOKENS[i] for i in ids if i > EOS)


def worked_out(ids):
    return ids[0] == ID["S"]


class Problem:
    """A sum of 4 or 5 numbers.

    sum: "34+17-42+9", the same for every wording. prompt: as it is asked. answer: the total.
    """

    def __init__(self, rng):
        self.start = self.answer = rng.randint(1, OPERAND_MAX)
        self.changes = []
        for _ in range(rng.choice([3, 4])):
            operand = rng.randint(1, OPERAND_MAX)
            minus = rng.random() < 0.5
            if self.answer - operand < 0:
                minus = False
            elif self.answer + operand >= TOTAL_LIMIT:
                minus = True
            self.changes.append(-operand if minus else operand)
            self.answer += self.changes[-1]
        self.sum = str(self.start) + "".join(f"{change:+d}" for change in self.changes)
        self.prompt = self._in_words(rng) if rng.random() < 0.7 else self.sum

    def _in_words(self, rng):
        clauses = [f"{rng.choice(GAINS if change > 0 else LOSSES)} {abs(change)}" for change in self.changes]
        if rng.random() < 0.4:  # says nothing about the total
            clauses.insert(rng.randint(0, len(clauses)), f" sees {rng.randint(1, OPERAND_MAX)}{rng.choice(BYSTANDERS)}")
        first = f"{rng.choice(NAMES)} has {self.start}{rng.choice(THINGS)}"
        return (first + "".join("," + clause for clause in clauses)).strip()


def split_of(problem):
    """Where a problem belongs, by a hash of its sum: "held-out" and "tuning" one in twenty each, else "training"."""
    number = hashlib.sha256(problem.sum.encode()).digest()[0] % 20
    return {0: "held-out", 1: "tuning"}.get(number, "training")


def draw_problem(rng, split="training"):
    while True:
        problem = Problem(rng)
        if split_of(problem) == split:
            return problem


def problems(count, seed, split):
    """`count` problems with different sums."""
    rng = random.Random(seed)
    found = {}
    while len(found) < count:
        problem = draw_problem(rng, split)
        found.setdefault(problem.sum, problem)
    return list(found.values())


def prompt_text(problem):
    return f"Q: {problem.prompt}?\n"


def prompt_ids(problem):
    return [BOS] + encode(prompt_text(problem))


def _wrong(rng, number, distances):
    while True:
        other = number + rng.choice(distances) * rng.choice([-1, 1])
        if other >= 0:
            return other


def step_by_step(problem, rng=None):
    """The worked answer, e.g. "S:34+17=51;51-42=9;9+9=18#18"; with `rng`, slips that are carried on."""
    total = problem.start
    steps = []
    for change in problem.changes:
        result = total + change
        if result < 0 or (rng is not None and rng.random() < SLIP):
            result = _wrong(rng, result, [1, 1, 2, 3, 5, 10, 10, 20, 9, 11, 100])
        steps.append(f"{total}{change:+d}={result}")
        total = result
    return f"S:{';'.join(steps)}#{total}"


def hasty(problem, rng):
    """A guess: right one time in three."""
    right = rng.random() < 0.35
    return f"A:#{problem.answer if right else _wrong(rng, problem.answer, [1, 2, 3, 5, 9, 10, 11, 20, 30])}"


def drill(rng):
    """Four single sums, as ids and whether each is learned: only results are."""
    ids, learned = [BOS] + encode("T:"), [0, 0, 0]
    for _ in range(4):
        a, b = rng.randint(0, TOTAL_LIMIT - 1), rng.randint(1, OPERAND_MAX)
        change = -b if a + b >= TOTAL_LIMIT or (a - b >= 0 and rng.random() < 0.5) else b
        question, result = encode(f"{a}{change:+d}="), encode(f"{a + change};")
        ids += question + result
        learned += [0] * len(question) + [1] * len(result)
    return ids + [EOS], learned + [1]


def document(rng):
    """A training document, as ids and whether each is learned.

    Drills; hasty answers; worked answers; and worked answers whose "S" is given, not learned: these teach how to work
    a sum out and leave alone how often it is done (one answer in six).
    """
    kind = rng.random()
    if kind < 0.3:
        return drill(rng)
    problem = draw_problem(rng)
    prompt = prompt_ids(problem)
    answer = encode(hasty(problem, rng) if kind < 0.65 else step_by_step(problem, rng)) + [EOS]
    learned = [1] * len(answer)
    if kind >= 0.72:
        learned[0] = 0
    return prompt + answer, [0] * len(prompt) + learned


def training_seed(kind, seed):
    """Of the random numbers that a stage draws its documents ("pretrain") or problems ("reinforce") with."""
    return seed * 1000 + 5 if kind == "pretrain" else seed * 99991 + 7


def correct(text, problem):
    """The reward, and what accuracy counts: one "#", followed by the total."""
    parts = text.split("#")
    return len(parts) == 2 and parts[1] == str(problem.answer)
