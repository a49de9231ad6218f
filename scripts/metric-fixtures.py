"""Reference figures for pass@k and Wilson's interval, by other people's code: for test/unit/eval/metrics/fixtures.json.

    python -m venv /tmp/metrics && /tmp/metrics/bin/pip install numpy scipy statsmodels
    /tmp/metrics/bin/python scripts/metric-fixtures.py > test/unit/eval/metrics/fixtures.json

pass@k three ways: by counting subsets (itertools), by binomials (scipy.special.comb, exact), and by the product of
arXiv 2107.03374's own code (numpy); they must agree. Wilson's interval by statsmodels and by scipy.stats.
"""

import itertools
import json
import platform

import numpy
import scipy
import scipy.special
import scipy.stats
import statsmodels
from statsmodels.stats.proportion import proportion_confint


def by_counting(n, right, k):
    subsets = list(itertools.combinations(range(n), k))
    return sum(any(one < right for one in subset) for subset in subsets) / len(subsets)


def by_binomials(n, right, k):
    return 1 - scipy.special.comb(n - right, k, exact=True) / scipy.special.comb(n, k, exact=True)


def by_product(n, right, k):
    if n - right < k:
        return 1.0
    return float(1.0 - numpy.prod(1.0 - k / numpy.arange(n - right + 1, n + 1)))


def pass_at_k():
    rows = []
    small = [(n, right, k) for n in range(1, 9) for right in range(n + 1) for k in range(1, n + 1)]
    large = [(n, right, k) for n in (32, 64, 200, 1000) for right in (0, 1, 3, n // 4, n // 2, n - 1, n) for k in (1, 2, 8, n // 2, n)]
    for n, right, k in small + large:
        ways = [by_binomials(n, right, k), by_product(n, right, k)]
        if n <= 8:
            ways.append(by_counting(n, right, k))
        assert max(ways) - min(ways) < 1e-12, (n, right, k, ways)
        rows.append([n, right, k, ways[0]])
    return rows


def wilson():
    rows = []
    for total in (1, 2, 5, 10, 30, 40, 200, 500, 1319):
        for right in sorted({0, 1, total // 3, total // 2, total - 1, total}):
            low, high = proportion_confint(right, total, alpha=0.05, method="wilson")
            other = scipy.stats.binomtest(right, total).proportion_ci(method="wilson")
            assert abs(low - other.low) < 1e-12 and abs(high - other.high) < 1e-12
            rows.append([right, total, float(low), float(high)])
    return rows


versions = {
    "python": platform.python_version(),
    "numpy": numpy.__version__,
    "scipy": scipy.__version__,
    "statsmodels": statsmodels.__version__,
}
print(json.dumps({"versions": versions, "passAtK": pass_at_k(), "wilson": wilson()}))
