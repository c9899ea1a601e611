"""Writes pairs of a gold answer and a text that is equal to it, or is not, by construction.

    python pairs_forms.py SEED OUT.jsonl REPETITIONS [FOLDER/]

Every form of answer, one function each. The engine was tuned on seed 1 (three repetitions).
Needs sympy 1.14. FOLDER holds gsm8k.jsonl, asdiv.jsonl, mawps.jsonl and svamp.jsonl, where rows are taken from them.
A row has kind, gold, answer and expected.
"""

import random, json, sys, math
from fractions import Fraction as F
import sympy as sp
seed = int(sys.argv[1])
out = sys.argv[2]
R = random.Random(seed)
rows = []

def add(kind, g, a, t):
    rows.append(dict(kind=kind, gold=g, answer=a, expected=bool(t)))

def D(s):
    return '$' + s + '$'

def wrap(a):
    k = R.randrange(9)
    return [D(a), '\\boxed{%s}' % a, 'The final answer is $\\boxed{%s}$.' % a, 'We get $x^2-3=7$ at first. Hence the answer is $%s$.' % a, '\\[%s\\]' % a, '**Answer:** $%s$' % a, 'Final Answer: The final answer is $%s$. I hope it is correct.' % a, 'So after 3 steps we have \\( %s \\)' % a, '<think>Maybe $17$? No.</think> Therefore, $$\\boxed{%s}$$' % a][k]

def pos(kind, g, a):
    add(kind, g, wrap(a), True)

def neg(kind, g, a):
    add(kind, g, wrap(a), False)

def fr(q, cmd='\\frac'):
    q = F(q)
    if q.denominator == 1:
        return str(q.numerator)
    s = '-' if q < 0 else ''
    return s + cmd + '{%d}{%d}' % (abs(q.numerator), q.denominator)

def commas(n, sep):
    return f'{n:,}'.replace(',', sep)
ri = R.randint
N = int(sys.argv[3]) if len(sys.argv) > 3 else 12
L = sp.latex
x, y, z, n, t, a, b = sp.symbols('x y z n t a b')

def integers():
    v = ri(1000, 9999999) * R.choice([1, 1, -1])
    g = D(str(v))
    for s in [',', '{,}', '\\,', ',\\!', '\\ ']:
        pos('integer', g, commas(v, s))
    pos('integer', g, str(v) + '.0')
    pos('integer', g, str(v) + '.00')
    d = ri(2, 9)
    pos('integer', g, f'{v - d}+{d}')
    pos('integer', g, f'{v * d}/{d}')
    pos('integer', g, f'\\frac{{{v * d}}}{{{d}}}')
    for w in [v + 1, v - 1, -v, v * 10, int(str(v)[:-1])]:
        neg('integer', g, str(w))
    add('integer', str(v), 'The answer is ' + commas(v, ',') + '.', True)
    add('integer', str(v), 'After adding 12 and 5 we find that the answer is ' + str(v + 1) + '.', False)
    add('integer', str(v), '#### ' + str(v), True)

def fractions():
    q = F(ri(1, 60) * R.choice([1, 1, -1]), ri(2, 40))
    if q.denominator == 1:
        return
    g = D(fr(q))
    pos('fraction', g, fr(q, '\\dfrac'))
    pos('fraction', g, f'{q.numerator}/{q.denominator}')
    k = ri(2, 6)
    pos('fraction', g, '\\frac{%d}{%d}' % (q.numerator * k, q.denominator * k))
    pos('fraction', g, '\\frac{%d}{%d}' % (-q.numerator, -q.denominator))
    pos('fraction', g, '%d \\cdot \\frac{1}{%d}' % (q.numerator, q.denominator))
    pos('fraction', g, '%d \\div %d' % (q.numerator, q.denominator))
    if abs(q) > 1:
        w = abs(q.numerator) // q.denominator
        r = abs(q) - w
        pos('mixed', g, ('-' if q < 0 else '') + f'{w}\\frac{{{r.numerator}}}{{{r.denominator}}}')
        add('mixed', str(q), ('-' if q < 0 else '') + f'{w} {r.numerator}/{r.denominator}', True)
        neg('mixed', g, ('-' if q < 0 else '') + f'{w + 1}\\frac{{{r.numerator}}}{{{r.denominator}}}')
    dd = q.denominator
    for p in (2, 5):
        while dd % p == 0:
            dd //= p
    if dd == 1:
        pos('decimal', g, ('%.10f' % float(q)).rstrip('0'))
        add('decimal', str(q), ('%.10f' % float(q)).rstrip('0') + '00', True)
        pos('percent', g, ('%.10f' % float(q * 100)).rstrip('0').rstrip('.') + '\\%')
    else:
        pos('decimal', g, '%.8f' % float(q))
        neg('decimal', g, '%.2f' % float(q + F(1, 50)))
    neg('fraction', g, fr(1 / q)) if abs(q) != 1 else None
    neg('fraction', g, fr(-q))
    neg('fraction', g, fr(F(q.numerator + 1, q.denominator)))
    neg('fraction', g, fr(F(q.numerator, q.denominator + 1)))
    if q.numerator > 0 and q.numerator < 10 and (q.denominator < 10):
        pos('fraction', g, '\\frac%d%d' % (q.numerator, q.denominator))
        pos('fraction', g, '\\tfrac{%d}%d' % (q.numerator, q.denominator))

def percents():
    p = ri(1, 999) / R.choice([1, 10, 2])
    ps = '%g' % p
    g = D(ps + '\\%')
    pos('percent', g, '%g' % (p / 100))
    pos('percent', g, ps + '\\text{ percent}')
    add('percent', g, 'The answer is ' + ps + '%', True)
    add('percent', g, ps + ' percent', True)
    pos('percent', g, fr(F(ps) / 100))
    neg('percent', g, '%g\\%%' % (p + 1))
    neg('percent', g, '%g' % (p / 10))
    neg('percent', g, '%g\\%%' % (p * 10))
    add('percent', g, '$\\boxed{%s}\\%%$' % ps, True)

def scientific():
    m = ri(11, 99) / 10
    e = R.choice([ri(2, 12), -ri(2, 12)])
    g = D(f'{m} \\times 10^{{{e}}}')
    pos('scientific', g, f'{m}\\cdot 10^{{{e}}}')
    add('scientific', g, f'{m}e{e}', True)
    add('scientific', g, f'{m}E{e:+d}', True)
    pos('scientific', g, f'{round(m * 10)}\\times 10^{{{e - 1}}}')
    if 0 < e < 12:
        pos('scientific', g, str(int(round(m * 10)) * 10 ** (e - 1)))
    if e < 0:
        pos('scientific', g, ('%.16f' % (m * 10.0 ** e)).rstrip('0')) if e > -8 else None
    neg('scientific', g, f'{m} \\times 10^{{{e + 1}}}')
    neg('scientific', g, f'{round(m + 0.1, 1)} \\times 10^{{{e}}}')
    neg('scientific', g, f'{m} \\times 10^{{{-e}}}')
    add('scientific', g, f'{m}e{-e}', False)

def roots():
    a_, b_ = (ri(2, 12), R.choice([2, 3, 5, 6, 7, 10, 11, 13, 15]))
    g = D(f'{a_}\\sqrt{{{b_}}}')
    pos('root', g, f'\\sqrt{{{a_ * a_ * b_}}}')
    pos('root', g, f'{a_} \\cdot \\sqrt{{{b_}}}')
    pos('root', g, f'\\frac{{{a_ * b_}}}{{\\sqrt{{{b_}}}}}')
    pos('root', g, f'{a_}\\cdot {b_}^{{1/2}}')
    pos('root', g, f'{a_}\\cdot {b_}^{{\\frac{{1}}{{2}}}}')
    add('root', g, f'{a_}*sqrt({b_})', True)
    add('root', g, f'The answer is {a_}√{b_}.', True)
    neg('root', g, f'{a_ + 1}\\sqrt{{{b_}}}')
    neg('root', g, f'{a_}\\sqrt{{{b_ + 1}}}')
    neg('root', g, f'\\sqrt{{{a_ * b_}}}')
    neg('root', g, f'{a_}\\sqrt[3]{{{b_}}}')
    neg('root', g, '%.2f' % (a_ * math.sqrt(b_)))
    neg('root', g, f'{a_}+\\sqrt{{{b_}}}')
    pos('root', g, '%.7f' % (a_ * math.sqrt(b_)))
    p, q = (ri(2, 9), ri(2, 9))
    if p != b_:
        e = (p + sp.sqrt(b_)) / (q + sp.sqrt(b_))
        if e.is_rational is not True:
            g = D(L(e))
            pos('surd', g, L(sp.radsimp(e)))
            pos('surd', g, L(sp.expand(sp.radsimp(e))))
            neg('surd', g, L(sp.radsimp(e + sp.Rational(1, 7))))
            neg('surd', g, L((p - sp.sqrt(b_)) / (q + sp.sqrt(b_))))
    c = ri(2, 9)
    g = D(f'\\sqrt[3]{{{c ** 3 * b_}}}')
    pos('root', g, f'{c}\\sqrt[3]{{{b_}}}')
    pos('root', g, f'{c}\\cdot {b_}^{{1/3}}')
    neg('root', g, f'{c}\\sqrt{{{b_}}}')
    p, q = sorted(R.sample(range(2, 20), 2))
    g = D(f'\\sqrt{{{p + q}+2\\sqrt{{{p * q}}}}}')
    pos('surd', g, f'\\sqrt{{{p}}}+\\sqrt{{{q}}}')
    neg('surd', g, f'\\sqrt{{{q}}}-\\sqrt{{{p}}}')

def powers():
    b_, e = (ri(2, 9), ri(3, 12))
    g = D(str(b_ ** e))
    pos('power', g, f'{b_}^{{{e}}}')
    pos('power', g, f'{b_}^{{{e - 1}}}\\cdot {b_}')
    neg('power', g, f'{b_}^{{{e + 1}}}')
    add('power', g, f'{b_}^{e}', True)
    add('power', g, f'{b_}**{e}', True)
    g = D(f'{b_}^{{{e * 50}}}')
    pos('power', g, f'{b_ ** 2}^{{{e * 25}}}')
    neg('power', g, f'{b_}^{{{e * 50 + 1}}}')
    neg('power', g, f'{b_}^{{{e * 50}}}+1')
    pos('power', g, f'({b_}^{{{e}}})^{{50}}')
    g = D(f'2^{{{e * 100}}}-1')
    pos('power', g, f'(2^{{{e * 50}}}-1)(2^{{{e * 50}}}+1)')
    neg('power', g, f'2^{{{e * 100}}}+1')
    g = D(f'{b_}^{{-{e}}}')
    pos('power', g, f'\\frac{{1}}{{{b_ ** e}}}')
    neg('power', g, f'-{b_ ** e}')

def factorials():
    k = ri(4, 11)
    g = D(str(math.factorial(k)))
    pos('factorial', g, f'{k}!')
    pos('factorial', g, f'{k}\\cdot {k - 1}!')
    neg('factorial', g, f'{k - 1}!')
    neg('factorial', g, f'{k}!+1')
    m, j = (ri(5, 20), ri(2, 4))
    g = D(str(math.comb(m, j)))
    pos('binomial', g, f'\\binom{{{m}}}{{{j}}}')
    pos('binomial', g, f'\\frac{{{m}!}}{{{j}!({m}-{j})!}}')
    pos('binomial', g, f'\\binom{{{m}}}{{{m - j}}}')
    neg('binomial', g, f'\\binom{{{m}}}{{{j - 1}}}')
    neg('binomial', g, f'{m}!/{j}!')
    g = D(f'{k * 10}!')
    pos('factorial', g, f'{k * 10}\\cdot {k * 10 - 1}!')
    neg('factorial', g, f'{k * 10 - 1}!')

def logs():
    b_, e = (ri(2, 9), ri(2, 5))
    g = D(str(e))
    pos('log', g, f'\\log_{{{b_}}} {b_ ** e}')
    pos('log', g, f'\\log_{b_} {b_ ** e}')
    neg('log', g, f'\\log_{{{b_}}} {b_ ** (e + 1)}')
    pos('log', g, f'\\ln e^{{{e}}}')
    pos('log', g, f'\\log {10 ** e}')
    p, q = (ri(2, 9), ri(2, 9))
    g = D(f'\\ln {p * q}')
    pos('log', g, f'\\ln {p} + \\ln {q}')
    pos('log', g, f'\\ln({p}) + \\ln({q})')
    neg('log', g, f'\\ln {p} \\cdot \\ln {q}')
    neg('log', g, f'\\ln {p + q + 1}') if p + q + 1 != p * q else None
    g = D(f'\\log_{{{p}}} {q + 1}') if p != q + 1 else None
    if g:
        pos('log', g, f'\\frac{{\\ln {q + 1}}}{{\\ln {p}}}')
        pos('log', g, f'\\frac{{\\log {q + 1}}}{{\\log {p}}}')
        neg('log', g, f'\\frac{{\\ln {p}}}{{\\ln {q + 1}}}')
    g = D(f'{p}\\ln x')
    pos('log', g, f'\\ln x^{{{p}}}')
    pos('log', g, f'{p}\\ln(x)')
    neg('log', g, f'\\ln {p}x')
    neg('log', g, f'{p + 1}\\ln x')

def trig():
    k = R.choice([3, 4, 6])
    vals = {3: ('\\frac{\\sqrt{3}}{2}', '\\frac12'), 4: ('\\frac{\\sqrt2}{2}', '\\frac{1}{\\sqrt{2}}'), 6: ('\\frac12', '\\frac{\\sqrt3}{2}')}
    pos('trig', D(vals[k][0]), f'\\sin\\frac{{\\pi}}{{{k}}}')
    pos('trig', D(vals[k][1]), f'\\cos \\frac{{\\pi}}{{{k}}}')
    pos('trig', D(vals[k][0]), f'\\sin {180 // k}^\\circ')
    neg('trig', D(vals[k][0]), f'-\\sin\\frac{{\\pi}}{{{k}}}')
    neg('trig', D(vals[k][0]), f'\\sin {180 // k}')
    c = ri(2, 7)
    pos('trig', D(f'\\sin^2({c}x)'), f'1-\\cos^2({c}x)')
    pos('trig', D(f'\\sin^2 {c}x'), f'\\frac{{1-\\cos({2 * c}x)}}{{2}}')
    neg('trig', D(f'\\sin^2({c}x)'), f'1+\\cos^2({c}x)')
    neg('trig', D(f'\\sin^2({c}x)'), f'\\sin({c}x^2)')
    pos('trig', D(f'\\tan({c}x)'), f'\\frac{{\\sin {c}x}}{{\\cos {c}x}}')
    neg('trig', D(f'\\tan({c}x)'), f'\\cot({c}x)')
    pos('trig', D(f'{2 * c}\\sin x\\cos x'), f'{c}\\sin 2x')
    neg('trig', D(f'{c}\\sin x\\cos x'), f'{c}\\sin 2x')
    pos('trig', D(f'\\arctan {c}'), f'\\tan^{{-1}}({c})')
    neg('trig', D(f'\\arctan {c}'), f'\\frac{{1}}{{\\tan {c}}}')

def constants():
    q = F(ri(1, 20), ri(1, 9))
    s = f'{q.numerator}\\pi' if q.denominator == 1 else f'\\frac{{{q.numerator}\\pi}}{{{q.denominator}}}'
    g = D(s)
    pos('constant', g, f'\\frac{{{q.numerator}}}{{{q.denominator}}}\\pi')
    add('constant', g, f'{q.numerator}*pi/{q.denominator}', True)
    pos('constant', g, f'{q.numerator}π/{q.denominator}')
    neg('constant', g, f'{q.numerator}/{q.denominator}')
    neg('constant', g, '%.2f' % (float(q) * math.pi))
    neg('constant', g, f'\\frac{{{q.numerator + 1}\\pi}}{{{q.denominator}}}')
    p, r = (ri(1, 9), ri(1, 9))
    g = D(f'{p}+{r}i')
    pos('complex', g, f'{r}i+{p}')
    pos('complex', g, f'({p}+{r}i)')
    c, d = (ri(1, 5), ri(1, 5))
    w = complex(p, r) * complex(c, d)
    pos('complex', g, f'\\frac{{{int(w.real)}{int(w.imag):+d}i}}{{{c}+{d}i}}')
    neg('complex', g, f'{p}-{r}i')
    if p != r:
        neg('complex', g, f'{r}+{p}i')
    g = D(f'{p}e^{{{r}x}}')
    pos('constant', g, f'{p}(e^x)^{{{r}}}')
    pos('constant', g, f'{p}\\exp({r}x)')
    pos('constant', g, f'{p}\\mathrm{{e}}^{{{r}x}}')
    neg('constant', g, f'{p}e^{{-{r}x}}')
    neg('constant', g, f'{p}x^{{{r}}}')
    pos('complex', D(str(-p)), f'{p}e^{{i\\pi}}')
    pos('complex', D(str(-p * p)), f'({p}i)^2')
    neg('complex', D(str(p * p)), f'({p}i)^2')

def plusminus():
    p, q = (ri(-9, 9), R.choice([2, 3, 5, 7]))
    g = D(f'{p} \\pm \\sqrt{{{q}}}')
    pos('plusminus', g, f'{p}+\\sqrt{{{q}}}, {p}-\\sqrt{{{q}}}')
    pos('plusminus', g, f'\\{{{p}-\\sqrt{{{q}}}, {p}+\\sqrt{{{q}}}\\}}')
    pos('plusminus', g, f'x={p} \\pm \\sqrt{{{q}}}')
    neg('plusminus', g, f'{p} + \\sqrt{{{q}}}')
    neg('plusminus', g, f'{p} \\pm \\sqrt{{{q + 1}}}')
    neg('plusminus', g, f'{-p - 1} \\pm \\sqrt{{{q}}}')
    k = ri(1, 20)
    g = D(f'\\pm {k}')
    pos('plusminus', g, f'-{k}, {k}')
    pos('plusminus', g, f'x = {k} \\text{{ or }} x = -{k}')
    neg('plusminus', g, f'{k}')
    pos('plusminus', g, f'\\mp {k}')

def equations():
    m, c = (ri(2, 9), ri(1, 9))
    g = D(f'y={m}x+{c}')
    pos('equation', g, f'y={c}+{m}x')
    pos('equation', g, f'{m}x-y+{c}=0')
    pos('equation', g, f'y-{c}={m}x')
    pos('equation', g, f'{m}x+{c}')
    neg('equation', g, f'y={m}x-{c}')
    neg('equation', g, f'y={m + 1}x+{c}')
    neg('equation', g, f'x={m}y+{c}')
    neg('equation', g, f'{m}x+y+{c}=0')
    v = ri(-20, 20)
    pos('assignment', D(str(v)), f'x={v}')
    pos('assignment', D(f'x={v}'), str(v))
    pos('assignment', D(f'x={v}'), f'x={v - 1}+1={v}')
    neg('assignment', D(f'x={v}'), f'x={v + 1}')
    neg('assignment', D(f'x={v}'), f'y={v}')
    pos('assignment', D(str(v)), f'f({abs(v) + 1})={v}')
    pos('assignment', D(str(v)), f'\\angle ABC = {v}')
    add('assignment', D(str(v)), f'x = {v}', True)
    r = ri(2, 9)
    g = D(f'(x-{m})^2+(y+{c})^2={r * r}')
    e = sp.expand((x - m) ** 2 + (y + c) ** 2 - r * r)
    pos('equation', g, L(e) + '=0')
    neg('equation', g, L(e + 1) + '=0')
    neg('equation', g, f'(x+{m})^2+(y+{c})^2={r * r}')
    g = D(f'f(x)={m}x^2+{c}')
    pos('definition', g, f'f(x)={c}+{m}x^2')
    pos('definition', g, f'{m}x^2+{c}')
    pos('definition', g, f'f(t)={m}t^2+{c}')
    neg('definition', g, f'f(x)={m}x^2-{c}')
    neg('definition', g, f'f(x)={m}x+{c}')

def inequalities():
    lo = ri(-9, 5)
    hi = lo + ri(1, 9)
    k = ri(2, 5)
    g = D(f'x>{lo}')
    pos('inequality', g, f'{lo}<x')
    pos('inequality', g, f'({lo},\\infty)')
    pos('inequality', g, f'x \\in ({lo}, +\\infty)')
    pos('inequality', g, f'{k}x>{k * lo}')
    pos('inequality', g, f'-x<{-lo}')
    neg('inequality', g, f'x \\geq {lo}')
    neg('inequality', g, f'x<{lo}')
    neg('inequality', g, f'[{lo},\\infty)')
    neg('inequality', g, f'x>{lo + 1}')
    g = D(f'{lo} \\le x < {hi}')
    pos('inequality', g, f'[{lo},{hi})')
    pos('inequality', g, f'x\\in [{lo},{hi})')
    pos('inequality', g, f'{hi} > x \\ge {lo}')
    neg('inequality', g, f'({lo},{hi})')
    neg('inequality', g, f'[{lo},{hi}]')
    neg('inequality', g, f'{lo} \\le x < {hi + 1}')
    add('inequality', g, f'{lo} <= x < {hi}', True)
    g = D(f'(-\\infty,{lo})\\cup({hi},\\infty)')
    pos('inequality', g, f'x<{lo} \\text{{ or }} x>{hi}')
    pos('inequality', g, f'x \\in ({hi},\\infty) \\cup (-\\infty,{lo})')
    neg('inequality', g, f'({lo},{hi})')
    neg('inequality', g, f'(-\\infty,{lo}]\\cup[{hi},\\infty)')
    neg('inequality', g, f'(-\\infty,{lo})\\cup({hi + 1},\\infty)')
    g = D(f'x\\neq {lo}')
    pos('inequality', g, f'(-\\infty,{lo})\\cup({lo},\\infty)')
    pos('inequality', g, f'\\mathbb{{R}}\\setminus\\{{{lo}\\}}')
    neg('inequality', g, f'x={lo}')
    neg('inequality', g, f'(-\\infty,\\infty)')
    g = D(f'|x|<{k}')
    pos('inequality', g, f'-{k}<x<{k}')
    neg('inequality', g, f'x<{k}')

def intervals():
    p = sorted(R.sample(range(-20, 20), 4))
    a_, b_, c, d = p
    g = D(f'[{a_},{b_}]\\cup({c},{d})')
    pos('interval', g, f'({c},{d})\\cup[{a_},{b_}]')
    pos('interval', g, f'\\left[{a_},{b_}\\right]\\cup\\left({c},{d}\\right)')
    neg('interval', g, f'[{a_},{b_})\\cup({c},{d})')
    neg('interval', g, f'[{a_},{d})')
    neg('interval', g, f'[{a_},{b_}]\\cap({c},{d})')
    neg('interval', g, f'[{a_},{b_}]')
    g = D(f'({a_},{c})')
    pos('interval', g, f'({a_},{b_}]\\cup[{b_},{c})')
    neg('interval', g, f'({a_},{b_})\\cup({b_},{c})')
    pos('interval', g, f'(-\\infty,{c})\\cap({a_},\\infty)')
    g = D(f'[\\frac{{{a_}}}{{4}},\\frac{{{b_ + 1}}}{{4}})')
    pos('interval', g, f'[{a_ / 4},{(b_ + 1) / 4})')
    neg('interval', g, f'[{a_ / 4},{(b_ + 1) / 4}]')
    pos('interval', g, f'\\{{x \\mid \\frac{{{a_}}}{{4}} \\le x < \\frac{{{b_ + 1}}}{{4}}\\}}')

def sets():
    s = R.sample(range(-30, 30), ri(2, 5))
    r = s[:]
    R.shuffle(r)
    g = D('\\{' + ','.join(map(str, s)) + '\\}')
    pos('set', g, '\\{' + ', '.join(map(str, r)) + '\\}')
    pos('set', g, ', '.join(map(str, r)))
    add('set', g, ' and '.join((D(str(v)) for v in r)), True)
    neg('set', g, ', '.join(map(str, r[:-1])))
    neg('set', g, '\\{' + ', '.join(map(str, r[:-1] + [r[-1] + 1])) + '\\}')
    neg('set', g, '\\{' + ', '.join(map(str, r + [99])) + '\\}')
    pos('set', g, 'x \\in \\{' + ', '.join(map(str, r)) + '\\}')
    pos('set', g, ', '.join(('x_{%d}=%d' % (i + 1, v) for i, v in enumerate(r))))
    pos('set', g, ' \\text{ or } '.join(('x=%d' % v for v in r)))
    add('set', ', '.join(map(str, s)), 'The answer is ' + ', '.join(map(str, r)) + '.', True)
    pos('set', g, ', '.join((f'\\frac{{{2 * v}}}{{2}}' for v in r)))

def tuples():
    s = R.sample(range(-30, 30), ri(2, 4))
    g = D('(' + ','.join(map(str, s)) + ')')
    pos('tuple', g, '\\left(' + ', '.join(map(str, s)) + '\\right)')
    neg('tuple', g, '(' + ','.join(map(str, s[::-1])) + ')')
    neg('tuple', g, '(' + ','.join(map(str, s[:-1] + [s[-1] + 1])) + ')')
    neg('tuple', g, '(' + ','.join(map(str, s + [1])) + ')')
    pos('tuple', g, '(' + ','.join(('xyzw'[i] for i in range(len(s)))) + ')=(' + ','.join(map(str, s)) + ')')
    pos('tuple', g, ', '.join((f"{'xyzw'[i]}={v}" for i, v in enumerate(s))))
    pos('tuple', g, '(' + ','.join((f'\\frac{{{3 * v}}}{{3}}' for v in s)) + ')')
    neg('tuple', g, '\\{' + ','.join(map(str, s)) + '\\}')
    s2 = R.sample(range(-30, 30), 2)
    g = D(f'({s[0]},{s[1]}),({s2[0]},{s2[1]})')
    pos('tuple', g, f'({s2[0]},{s2[1]}),({s[0]},{s[1]})')
    neg('tuple', g, f'({s2[1]},{s2[0]}),({s[0]},{s[1]})')
    neg('tuple', g, f'({s[0]},{s[1]})')

def matrices():
    v = [ri(-9, 9) for _ in range(4)]
    m = lambda v, k='pmatrix': '\\begin{%s} %s & %s \\\\ %s & %s \\end{%s}' % ((k,) + tuple(v) + (k,))
    g = D(m(v))
    pos('matrix', g, m(v, 'bmatrix'))
    pos('matrix', g, m([f'\\frac{{{2 * q}}}{{2}}' for q in v]))
    neg('matrix', g, m([v[0], v[2], v[1], v[3]])) if v[1] != v[2] else None
    neg('matrix', g, m([v[0] + 1] + v[1:]))
    pos('matrix', g, '\\left[' + '\\begin{array}{cc} %d & %d \\\\ %d & %d \\end{array}' % tuple(v) + '\\right]')
    k = ri(2, 5)
    pos('matrix', D(m([k * q for q in v])), f'{k}' + m(v))
    neg('matrix', g, '\\begin{pmatrix} %d \\\\ %d \\end{pmatrix}' % tuple(v[:2]))
    pos('vector', D('\\begin{pmatrix} %d \\\\ %d \\end{pmatrix}' % tuple(v[:2])), '\\begin{bmatrix} %d \\\\ %d \\end{bmatrix}' % tuple(v[:2]))

def bases():
    v = ri(20, 900)
    b_ = ri(2, 9)

    def tb(v, b):
        s = ''
        while v:
            s = str(v % b) + s
            v //= b
        return s
    g = D(f'{tb(v, b_)}_{{{b_}}}')
    pos('base', g, f'{tb(v, b_)}_{b_}')
    neg('base', g, f'{tb(v + 1, b_)}_{{{b_}}}')
    pos('base', D(str(v)), f'{tb(v, b_)}_{{{b_}}}')
    pos('base', g, f'({tb(v, b_)})_{{{b_}}}')
    pos('base', D(f'{v:X}_{{16}}'), str(v))
    neg('base', D(str(v)), f'{tb(v, b_)}_{{{b_ + 1}}}')

def ratios():
    p, q = R.sample(range(1, 30), 2)
    k = ri(2, 5)
    g = D(f'{p}:{q}')
    pos('ratio', g, f'{k * p}:{k * q}')
    pos('ratio', g, f'\\frac{{{p}}}{{{q}}}')
    neg('ratio', g, f'{q}:{p}')
    neg('ratio', g, f'{p}:{q + 1}')
    add('ratio', g, f'The ratio is {p}:{q}', True)
    h, mi = (ri(1, 11), ri(0, 9))
    g = D(f'{h}:0{mi}')
    pos('time', g, f'{h}:0{mi}')
    neg('time', g, f'{h + 1}:0{mi}')
    pos('time', g, f'{h}:0{mi}\\text{{ p.m.}}')
    r = ri(1, 9)
    g = D(f'{p}:{q}:{r}')
    pos('ratio', g, f'{k * p}:{k * q}:{k * r}')
    neg('ratio', g, f'{k * p}:{k * q}:{k * r + 1}')

def units():
    v = ri(2, 500)
    for u in R.sample(['cm', 'km', 'kg', 'hours', 'miles', 'dollars', 'square meters', 'apples', 'students', 'mph', 'liters', 'days'], 4):
        g = D(str(v))
        pos('unit', g, f'{v}\\text{{ {u}}}')
        add('unit', f'{v} {u}', f'The answer is {v} {u}.', True)
        add('unit', f'${v}\\text{{ {u}}}$', str(v), True)
        neg('unit', g, f'{v + 1}\\text{{ {u}}}')
        add('unit', f'{v} {u}', f'{v}', True)
        add('unit', f'{v} {u}', f'{v + 2} {u}', False)
    g = D(f'{v}\\text{{ cm}}^2')
    pos('unit', g, f'{v}')
    pos('unit', g, f'{v}\\,\\mathrm{{cm}}^2')
    pos('unit', g, f'{v} \\text{{ square centimeters}}')
    neg('unit', g, f'{v}\\text{{ cm}}^3')
    neg('unit', g, f'{v + 1}\\text{{ cm}}^2')
    g = D(f'{v}\\text{{ m}}')
    pos('unit', g, f'{v * 100}\\text{{ cm}}')
    neg('unit', g, f'{v}\\text{{ cm}}')
    pos('unit', g, f'{v / 1000}\\text{{ km}}')
    g = D(f'{v}\\text{{ km/h}}')
    pos('unit', g, f'{v}\\,\\mathrm{{km}}/\\mathrm{{h}}')
    pos('unit', g, f'{v}')
    neg('unit', g, f'{v + 3}\\text{{ km/h}}')
    pos('unit', g, f'{v} \\text{{ km per hour}}')
    g = D(f'\\${v}')
    pos('money', g, str(v))
    pos('money', g, f'{v}\\text{{ dollars}}')
    add('money', g, f'She pays ${v}.', True)
    neg('money', g, f'\\${v + 1}')
    pos('money', g, f'\\${v}.00')
    g = D(f'{v % 180}^\\circ')
    pos('angle', g, str(v % 180))
    pos('angle', g, f'{v % 180}°')
    pos('angle', g, f'{v % 180}\\text{{ degrees}}')
    neg('angle', g, f'{v % 180 + 1}^{{\\circ}}')

def polynomials():
    r = [ri(-6, 6) for _ in range(ri(2, 3))]
    v = R.choice([x, y, n, t])
    e = sp.prod([v - k for k in r])
    ex = sp.expand(e)
    g = D(L(ex))
    pos('polynomial', g, L(sp.factor(ex)))
    pos('polynomial', g, L(sp.expand(ex)))
    neg('polynomial', g, L(ex + 1))
    neg('polynomial', g, L(sp.expand(e + v)))
    neg('polynomial', g, L(sp.expand(sp.prod([v + k for k in r])))) if sp.expand(sp.prod([v + k for k in r])) != ex else None
    neg('polynomial', g, L(ex.subs(v, sp.Symbol('w'))))
    pos('polynomial', D(L(sp.factor(ex))), L(ex))
    add('polynomial', g, str(ex).replace('**', '^').replace('*', ''), True)
    add('polynomial', g, str(sp.expand(ex)), True)
    p = a * ri(1, 9) * x + b * ri(1, 9)
    q = x + ri(1, 9) * a
    g = D(L(p * q))
    pos('polynomial', g, L(sp.expand(p * q)))
    neg('polynomial', g, L(sp.expand(p * q) + a))

def rationals():
    k, m, c = (ri(1, 9), ri(1, 9), ri(1, 5))
    e = sp.Rational(c) / (x + k) + 1 / (x - m)
    g = D(L(e))
    pos('rational function', g, L(sp.together(e)))
    pos('rational function', g, L(sp.factor(sp.together(e))))
    neg('rational function', g, L(sp.together(e + 1)))
    neg('rational function', g, L(sp.Rational(c) / (x + k) - 1 / (x - m)))
    e = (x ** 2 - k * k) / (x - k)
    g = D(f'x+{k}')
    pos('rational function', g, f'\\frac{{x^2-{k * k}}}{{x-{k}}}')
    neg('rational function', g, f'\\frac{{x^2-{k * k}}}{{x+{k}}}')
    g = D(f'\\frac{{{k}n(n+{m})}}{{2}}')
    pos('rational function', g, f'\\frac{{{k}}}{{2}}(n^2+{m}n)')
    neg('rational function', g, f'{k}n(n+{m})')
    pos('rational function', g, f'{k}n(n+{m})/2')
    g = D(f'{k}^n-{m}')
    pos('exponential', g, f'-{m}+{k}^{{n}}')
    neg('exponential', g, f'{k}^{{n}}+{m}')
    neg('exponential', g, f'{k}^{{n+1}}-{m}') if k != 1 else None
    pos('exponential', D(f'2^{{n+{m}}}'), f'{2 ** m}\\cdot 2^n')
    neg('exponential', D(f'2^{{n+{m}}}'), f'{2 * m + 1}\\cdot 2^n')
    g = D('|x|')
    neg('absolute', g, 'x')
    pos('absolute', g, '\\sqrt{x^2}')
    g = D(f'|x-{k}|')
    pos('absolute', g, f'|{k}-x|')
    neg('absolute', g, f'|x+{k}|')

def choices():
    i = ri(0, 4)
    l = 'ABCDE'[i]
    w = 'ABCDE'[(i + ri(1, 4)) % 5]
    for f in ['%s', '(%s)', '\\text{%s}', '\\text{(%s)}', '\\textbf{(%s)}']:
        pos('choice', D(l), f % l)
        neg('choice', D(l), f % w)
    add('choice', l, f'The answer is {l}.', True)
    add('choice', l, f'The answer is ({w}).', False)
    add('choice', l, f'{l}. 12 apples', True)
    add('choice', l, f'Answer: {l}', True)
    add('choice', l, f'Answer: {w}', False)
    add('choice', l, f'故选{l}', True)
    add('choice', l, f'答案是{w}', False)

def words():
    W = ['yes', 'no', 'Monday', 'Tuesday', 'Evelyn', 'Carla', 'odd', 'even', 'circle', 'parabola', 'True', 'False']
    p, q = R.sample(W, 2)
    g = D('\\text{%s}' % p)
    pos('word', g, '\\text{%s}' % p)
    pos('word', g, '\\text{%s}' % p.upper())
    neg('word', g, '\\text{%s}' % q)
    pos('word', g, '\\mathrm{%s}' % p)
    add('word', p, 'The answer is ' + p + '.', True)
    add('word', p, '\\boxed{%s}' % p, True)
    add('word', p, '\\boxed{%s}' % q, False)
    neg('word', g, str(ri(1, 9)))

def chinese():
    v = ri(2, 500)
    for u in R.sample(['元', '个', '米', '厘米', '千克', '小时', '岁', '人', '本', '天', '平方米', '公里'], 4):
        add('chinese', str(v), f'答案是{v}{u}', True)
        add('chinese', f'{v}{u}', f'\\boxed{{{v}}}', True)
        add('chinese', f'{v}{u}', f'所以一共有{v + 1}{u}。', False)
        add('chinese', str(v), f'所以一共有{v}{u}。', True)
        add('chinese', str(v), f'答：小明有{v}{u}。', True)
        add('chinese', str(v), f'$\\boxed{{{v}\\text{{{u}}}}}$', True)
    add('chinese', f'{v % 100}\\%', f'百分之{v % 100}', True)
    add('chinese', D('\\frac{3}{4}'), '四分之三', True)
    add('chinese', D('\\frac{3}{4}'), '三分之四', False)
    add('chinese', f'{v}', f'答案为：{v}', True)
    add('chinese', f'{v}', f'最终答案是 $\\boxed{{{v}}}$', True)
    add('chinese', str(v), f'（{v}）', True)
    add('chinese', '20000', '2万', True)

def sums():
    k = ri(5, 60)
    g = D(str(k * (k + 1) // 2))
    pos('sum', g, f'\\sum_{{i=1}}^{{{k}}} i')
    neg('sum', g, f'\\sum_{{i=1}}^{{{k - 1}}} i')
    neg('sum', g, f'\\sum_{{i=1}}^{{{k}}} i^2')
    pos('product', D(str(math.factorial(k % 9 + 2))), f'\\prod_{{k=1}}^{{{k % 9 + 2}}} k')
    pos('sum', D(f'\\sum_{{k=1}}^{{n}} a_k'), f'\\sum_{{k=1}}^n a_k')
    neg('sum', D(f'\\sum_{{k=1}}^{{n}} a_k'), f'\\sum_{{k=0}}^n a_k')
    pos('floor', D(str(k)), f'\\lfloor {k}.7 \\rfloor')
    pos('floor', D(str(k + 1)), f'\\lceil {k}.2 \\rceil')
    neg('floor', D(str(k + 1)), f'\\lfloor {k}.7 \\rfloor')
    pos('repeating', D(fr(F(k % 9, 9))), f'0.\\overline{{{k % 9}}}') if k % 9 else None
    pos('repeating', D('\\frac{1}{6}'), '0.1\\overline{6}')
    neg('repeating', D('\\frac{1}{6}'), '0.\\overline{16}')
    pos('determinant', D('-2'), '\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}')
fams = [integers, fractions, percents, scientific, roots, powers, factorials, logs, trig, constants, plusminus, equations, inequalities, intervals, sets, tuples, matrices, bases, ratios, units, polynomials, rationals, choices, words, chinese, sums]
for f in fams:
    for _ in range(N):
        f()

def data():
    D0 = sys.argv[4]
    import re
    gs = []
    for l in open(D0 + 'gsm8k.jsonl'):
        r = json.loads(l)
        gs.append((r['answer'], r['answer'].split('####')[1].strip()))
    for full, v in R.sample(gs, 25 * N):
        w = v.replace(',', '')
        k = R.randrange(6)
        a = [f'The answer is {v}.', f'\\boxed{{{w}}}', f'#### {v}', f'So she has ${v} left.', f'**{v}**', f'The total is {w} dollars.'][k]
        add('gsm8k', full, a, True)
        n = str(int(float(w)) + R.choice([1, -1, 10]))
        a = [f'The answer is {n}.', f'\\boxed{{{n}}}', f'#### {n}', f'So she has ${n} left.', f'**{n}**', f'The total is {n} dollars.'][k]
        add('gsm8k', full, a, False)
    as_ = [json.loads(l)['answer'] for l in open(D0 + 'asdiv.jsonl')]
    for v in R.sample(as_, 15 * N):
        m = re.match('^(-?[\\d.]+) \\((.*)\\)$', v)
        if not m:
            continue
        k = R.randrange(4)
        a = [m[1], f'The answer is {m[1]} {m[2]}.', f'\\boxed{{{m[1]}}}', f'{m[1]} {m[2]}'][k]
        add('asdiv', v, a, True)
        add('asdiv', v, a.replace(m[1], '%g' % (float(m[1]) + 3)), False)
    mw = [json.loads(l)['target'] for l in open(D0 + 'mawps.jsonl')]
    for v in R.sample(mw, 10 * N):
        add('mawps', str(v), '%g' % v if abs(v) < 100000.0 else str(v), True)
        add('mawps', str(v), 'The answer is \\boxed{%g}' % (v + 1), False)
data()
R.shuffle(rows)
with open(out, 'w') as f:
    for r in rows:
        f.write(json.dumps(r, ensure_ascii=False) + '\n')
print(len(rows), sum((r['expected'] for r in rows)))
