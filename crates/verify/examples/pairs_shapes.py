"""Writes pairs of a gold answer and a text that is equal to it, or is not, by construction.

    python pairs_shapes.py SEED OUT.jsonl REPETITIONS [FOLDER/]

Further shapes, written after the forms and judged once before anything was changed for them.
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
S = sp.sqrt
x, y, z, n, t, a, b, m, k, p, q, r, theta = sp.symbols('x y z n t a b m k p q r theta')

def wrapc(s):
    j = R.randrange(12)
    return ['Therefore, the answer is $\\mathbf{%s}$.' % s if False else 'Therefore, the answer is $%s$.' % s, '**Final Answer:** \\(\\boxed{%s}\\)' % s, '### Final Answer\n\n$$\\boxed{%s}$$' % s, 'ANSWER: $%s$' % s, 'Let $u=4$. Then\n\\[\n\\boxed{%s}\n\\]\n' % s, '<answer> $%s$ </answer>' % s, 'Hence $\\displaystyle %s$.' % s, '\\boxed{ %s }.' % s, 'The final answer is: $\\boxed{%s}$' % s, '$$%s$$' % s, 'We have two cases. In conclusion, our final answer is $\\boxed{\\displaystyle %s}$' % s, 'The correct result is therefore \\(%s\\), as claimed.' % s][j]

def P(kind, g, s):
    add(kind, g, wrapc(s), True)

def M(kind, g, s):
    add(kind, g, wrapc(s), False)

def rexpr(v, d):
    if d == 0:
        return R.choice([v, v, sp.Integer(ri(1, 9)), sp.Rational(ri(1, 7), ri(2, 5)), v ** ri(2, 3)])
    f = R.randrange(7)
    e = rexpr(v, d - 1)
    if f < 2:
        return e + rexpr(v, d - 1)
    if f < 4:
        return e * rexpr(v, d - 1)
    if f == 4:
        return e / (rexpr(v, 0) + ri(1, 5))
    if f == 5:
        return (e + ri(1, 4)) ** 2
    return e - rexpr(v, d - 1)

def algebra():
    v = R.choice([x, y, t, n, a])
    e = rexpr(v, ri(1, 2))
    if not e.has(v):
        return
    alts = [sp.expand(e), sp.factor(e), sp.together(e), sp.cancel(e), sp.simplify(e)]
    if not e.is_polynomial(v):
        try:
            alts.append(sp.apart(sp.cancel(e), v))
        except Exception:
            pass
    g = D(L(e))
    for s in alts:
        P('algebra', g, L(s))
    M('algebra', g, L(sp.expand(e) + sp.Rational(1, ri(2, 90))))
    M('algebra', g, L(sp.factor(-e))) if sp.simplify(e) != 0 else None
    M('algebra', g, L(sp.expand(e * sp.Rational(101, 100)))) if sp.simplify(e) != 0 else None
    M('algebra', g, L(e.subs(v, v + 1))) if sp.simplify(e - e.subs(v, v + 1)) != 0 else None
    add('algebra', g, str(sp.expand(e)).replace('**', '^'), True)
    add('algebra', g, str(sp.factor(e)), True)

def multivar():
    e = (ri(1, 5) * x + ri(1, 5) * y) ** 2 - ri(1, 9) * z * x + sp.Rational(ri(1, 9), ri(2, 9)) * y
    g = D(L(e))
    P('multivariate', g, L(sp.expand(e)))
    M('multivariate', g, L(sp.expand(e).subs({x: y, y: x}, simultaneous=True))) if sp.expand(e - e.subs({x: y, y: x}, simultaneous=True)) != 0 else None
    M('multivariate', g, L(sp.expand(e) + x))
    e = a / (b + 1) + b / (a + 1)
    g = D(L(e))
    P('multivariate', g, L(sp.together(e)))
    P('multivariate', g, L(e.subs({a: b, b: a}, simultaneous=True)))
    M('multivariate', g, L(sp.together(e) - a))
    i, j = (ri(1, 5), ri(1, 5))
    g = D(f'\\frac{{{i}a^{{{j + 2}}}b}}{{a^2b^3}}')
    P('multivariate', g, f'\\frac{{{i}a^{{{j}}}}}{{b^2}}')
    P('multivariate', g, f'{i}a^{{{j}}}b^{{-2}}')
    M('multivariate', g, f'\\frac{{{i}a^{{{j}}}}}{{b}}')

def surds():
    u, v, w = (ri(1, 9), ri(1, 9), R.choice([2, 3, 5, 6, 7]))
    e = (u + v * S(w)) ** ri(2, 3)
    g = D(L(e))
    P('surd', g, L(sp.expand(e)))
    M('surd', g, L(sp.expand(e) + 1))
    M('surd', g, L(sp.expand((u - v * S(w)) ** 2)))
    e = 1 / (S(u + 1) + S(u + 2 + v))
    g = D(L(e))
    P('surd', g, L(sp.radsimp(e)))
    P('surd', g, '%.7f' % float(e))
    M('surd', g, L(sp.radsimp(1 / (S(u + 2) + S(u + 3 + v)))))
    M('surd', g, '%.3f' % float(e * sp.Rational(101, 100)))
    g = D(f'\\sqrt[3]{{{u}+\\sqrt{{{w}}}}}')
    P('surd', g, f'({u}+\\sqrt{{{w}}})^{{\\frac{{1}}{{3}}}}')
    M('surd', g, f'\\sqrt[3]{{{u}}}+\\sqrt{{{w}}}')
    g = D('\\sqrt{%d}\\sqrt{%d}' % (u, w))
    P('surd', g, '\\sqrt{%d}' % (u * w))
    M('surd', g, '\\sqrt{%d}' % (u + w)) if u + w != u * w else None
    g = D(f'\\frac{{{u}}}{{\\sqrt[3]{{{w}}}}}')
    P('surd', g, f'\\frac{{{u}\\sqrt[3]{{{w * w}}}}}{{{w}}}')
    M('surd', g, f'\\frac{{{u}\\sqrt[3]{{{w}}}}}{{{w}}}')

def identities():
    c = ri(1, 6)
    T = [('\\cos^4 x-\\sin^4 x', '\\cos 2x', '\\sin 2x'), ('\\tan^2 \\theta + 1', '\\sec^2\\theta', '\\csc^2\\theta'), ('\\frac{1-\\cos 2x}{\\sin 2x}', '\\tan x', '\\cot x'), ('\\sin 3x', '3\\sin x-4\\sin^3 x', '3\\sin x+4\\sin^3x'), ('\\cosh^2 x - \\sinh^2 x', '1', '-1'), ('e^{2\\ln x}', 'x^2', '2x'), ('\\ln\\frac{x}{y}', '\\ln x-\\ln y', '\\ln x+\\ln y'), ('\\log_2 x^3', '3\\log_2 x', '\\log_2 3x'), ('2^{x}\\cdot 2^{y}', '2^{x+y}', '2^{xy}'), ('\\frac{e^x-e^{-x}}{2}', '\\sinh x', '\\cosh x'), ('\\sin(x+y)', '\\sin x\\cos y+\\cos x\\sin y', '\\sin x\\cos y-\\cos x\\sin y'), ('\\cos(\\pi - x)', '-\\cos x', '\\cos x'), ('(a^{m})^{n}', 'a^{mn}', 'a^{m+n}'), ('\\sqrt{x}\\cdot\\sqrt[3]{x}', 'x^{5/6}', 'x^{1/6}'), ('\\frac{n!}{(n-2)!}', 'n(n-1)', 'n(n+1)'), ('\\binom{n}{2}', '\\frac{n(n-1)}{2}', '\\frac{n(n+1)}{2}'), ('|x-y|', '|y-x|', 'x-y'), ('\\arcsin\\frac{1}{2}', '\\frac{\\pi}{6}', '\\frac{\\pi}{3}'), ('\\sqrt{x^2+2x+1}', '|x+1|', 'x+1'), ('\\cot x', '\\frac{1}{\\tan x}', '\\tan x')]
    for g, s, w in T:
        s1, w1, g1 = (s, w, g)
        P('identity', D(f"{c}{('' if g[0] not in '0123456789' else chr(92) + 'cdot ')}{g}" if c > 1 and '+' not in g and ('-' not in g[:1]) and (' - ' not in g) and (not any((o in g for o in ['+', '-']))) else g), f'{c}\\left({s}\\right)' if c > 1 and (not any((o in g for o in ['+', '-']))) else s)
        M('identity', D(g), w)

def numbers2():
    v = ri(10 ** 6, 10 ** 9)
    add('number', D(str(v)), 'The total is **' + f'{v:,}' + '**.', True)
    add('number', f'{v:,}', str(v), True)
    add('number', f'{v:,}', str(v + 1000), False)
    c = ri(100, 99999) / 100
    s = '%.2f' % c
    add('number', '\\$' + s, f'The total cost is ${s}.', True)
    add('number', s, f'\\boxed{{\\${s}}}', True)
    add('number', s, f'\\boxed{{\\${c + 0.01:.2f}}}', False)
    add('number', s, f'= {s}', True)
    u, w = (ri(1, 9), ri(2, 9))
    add('number', D(f'\\frac{{{u}}}{{{w}}}'), f'{u}/{w}', True)
    add('number', D(f'\\frac{{{u}}}{{{w}}}'), f'The probability is {u}/{w}.', True)
    add('number', D(f'\\frac{{{u}}}{{{w}}}'), f'The probability is {u}/{w + 1}.', False)
    add('number', D(f'\\frac{{{u}}}{{{w}}}'), f'\\boxed{{{u} \\over {w}}}', True)
    P('number', D(f'-\\frac{{{u}}}{{{w}}}'), f'\\frac{{-{u}}}{{{w}}}')
    P('number', D(f'-\\frac{{{u}}}{{{w}}}'), f'-{u}/{w}')
    M('number', D(f'-\\frac{{{u}}}{{{w}}}'), f'{u}/{w}')
    P('number', D(f'{u}.{w}'), f'{u}.{w}0')
    P('number', D(f'.{w}'), f'0.{w}')
    M('number', D(f'.{w}'), f'0.0{w}')
    add('number', str(u * 1000), f'{u} thousand', True)
    add('number', str(u * 1000000), f'\\boxed{{{u} \\text{{ million}}}}', True)
    add('number', str(v), f'\\boxed{{\\text{{{v}}}}}', True)
    add('number', str(v), f'\\boxed{{\\mathbf{{{v}}}}}', True)
    add('number', str(v), f'\\boxed{{{v}.}}', True)
    add('number', str(v), f'$\\boxed{{\\ {v}\\ }}$', True)
    add('number', str(v), f'\\boxed{{{v} \\text{{ apples}}}}', True)
    add('number', str(v), f'\\boxed{{{v}\\ \\text{{square feet}}}}', True)
    kk = ri(2, 40)
    add('number', D(f'{kk}'), f'It is the {kk}th term, so the answer is {kk}.', True)
    add('number', D(f'\\frac{{1}}{{{kk}}}'), f'\\boxed{{{kk}^{{-1}}}}', True)
    add('number', D(f'{kk * kk}'), f'\\boxed{{{kk}^2}}', True)
    add('number', D(f'{kk * kk}'), f'\\boxed{{2\\cdot {kk}^2}}', False)
    add('number', D(f'{kk * kk}'), f'So the number is {kk}² = {kk * kk}', True)
    P('number', D(f'1+\\cfrac{{1}}{{{kk}+\\cfrac{{1}}{{2}}}}'), fr(1 + 1 / (F(kk) + F(1, 2))))
    M('number', D(f'1+\\cfrac{{1}}{{{kk}+\\cfrac{{1}}{{2}}}}'), fr(1 + 1 / (F(kk) + F(1, 3))))
    P('number', D(f'{kk}\\times 10^3'), f'{kk}000')
    M('number', D(f'{kk}\\times 10^3'), f'{kk}00')
    P('number', D(f'{kk}\\%'), f'{kk}\\;\\%')
    P('number', D(f'{kk}\\%'), f'\\frac{{{kk}}}{{100}}')
    M('number', D(f'{kk}\\%'), f'\\frac{{{kk}}}{{1000}}')

def sets2():
    u, v, w = R.sample(range(-9, 10), 3)
    g = D(f'\\{{({u},{v}),({v},{w})\\}}')
    P('set of pairs', g, f'({v},{w}), ({u},{v})')
    P('set of pairs', g, f'\\left\\{{\\left({v},{w}\\right),\\left({u},{v}\\right)\\right\\}}')
    P('set of pairs', g, f'({u},{v}) \\text{{ and }} ({v},{w})')
    M('set of pairs', g, f'({v},{u}),({v},{w})')
    M('set of pairs', g, f'({u},{v})')
    s = S(R.choice([2, 3, 5]))
    g = D(f'\\{{{u}+{L(s)},{u}-{L(s)},{v}\\}}')
    P('set', g, f'{v}, {u}\\pm {L(s)}')
    P('set', g, f'\\{{{v},{u}\\pm {L(s)}\\}}')
    M('set', g, f'\\{{{v},{u}+{L(s)}\\}}')
    lo, hi = sorted([u, v])
    g = D(f'[{lo},{hi}]')
    P('interval', g, f'{lo} \\leqslant x \\leqslant {hi}')
    P('interval', g, f'x\\ge {lo} \\text{{ and }} x\\le {hi}')
    P('interval', g, f'(x-({lo}))(x-({hi})) \\le 0')
    M('interval', g, f'(x-({lo}))(x-({hi})) < 0')
    M('interval', g, f'(x-({lo}))(x-({hi})) \\ge 0')
    M('interval', g, f'[{lo},{hi}.01]')
    P('interval', g, f'\\{{x \\in \\mathbb{{R}} \\mid {lo} \\le x \\le {hi}\\}}')
    P('interval', g, f'\\{{x : {lo} \\le x \\le {hi}\\}}')
    g = D(f'(-\\infty,{L(s)})')
    P('interval', g, f'x<{L(s)}')
    M('interval', g, f'x\\le {L(s)}')
    M('interval', g, f'(-\\infty,1.41)')
    P('interval', D(f'({lo},{hi}]\\cup\\{{{hi + 3}\\}}'), f'\\{{{hi + 3}\\}}\\cup({lo},{hi}]')
    M('interval', D(f'({lo},{hi}]\\cup\\{{{hi + 3}\\}}'), f'({lo},{hi}]')
    P('interval', D('\\mathbb{R}'), '(-\\infty,\\infty)')
    M('interval', D('\\mathbb{R}'), '(0,\\infty)')
    P('interval', D('\\emptyset'), '\\varnothing')
    P('interval', D('\\emptyset'), '\\{\\}')
    M('interval', D('\\emptyset'), '0')
    g = D(f'a<{lo} \\text{{ or }} a\\ge {hi}')
    P('interval', g, f'a\\in(-\\infty,{lo})\\cup[{hi},\\infty)')
    P('interval', g, f'(-\\infty,{lo})\\cup[{hi},+\\infty)')
    M('interval', g, f'{lo}\\le a<{hi}')

def eqs2():
    i, j, c = (ri(1, 7), ri(1, 7), ri(1, 9))
    g = D(f'{i}x+{j}y={c}')
    P('equation', g, f'y=\\frac{{{c}-{i}x}}{{{j}}}')
    P('equation', g, f'{2 * i}x+{2 * j}y-{2 * c}=0')
    P('equation', g, f'{c} - {i}x = {j}y')
    M('equation', g, f'{i}x-{j}y={c}')
    M('equation', g, f'{i}x+{j}y={c + 1}')
    g = D(f'\\frac{{x^2}}{{{i * i + 1}}}+\\frac{{y^2}}{{{j * j}}}=1')
    P('equation', g, f'{j * j}x^2+{i * i + 1}y^2={(i * i + 1) * j * j}')
    M('equation', g, f'\\frac{{x^2}}{{{i * i + 1}}}-\\frac{{y^2}}{{{j * j}}}=1')
    P('equation', D(f'a_n={i}n+{c}'), f'{i}n+{c}')
    P('equation', D(f'a_n={i}n+{c}'), f'a_n={c}+{i}n')
    M('equation', D(f'a_n={i}n+{c}'), f'a_n={i}n-{c}')
    P('equation', D(f'x={i},y={j}'), f'(x,y)=({i},{j})')
    P('equation', D(f'(x,y)=({i},{j})'), f'x={i} \\text{{ and }} y={j}')
    M('equation', D(f'x={i},y={j}'), f'x={j + 1},y={i}')
    P('equation', D(f'({i},{j})'), f'\\begin{{cases}} x={i} \\\\ y={j} \\end{{cases}}')
    P('equation', D(f'{i}'), f'|AB|={i}')
    P('equation', D(f'{i}'), f'S_{{\\triangle ABC}} = {i}')
    P('equation', D(f'{i}'), f'\\angle A = {i}')
    P('equation', D(f'\\frac{{1}}{{{i + 1}}}'), f'P(A)=\\frac{{1}}{{{i + 1}}}')
    M('equation', D(f'\\frac{{1}}{{{i + 1}}}'), f'P(A)=\\frac{{{i}}}{{{i + 1}}}') if i > 1 else None

def matrices2():
    v = [ri(-9, 9) for _ in range(9)]
    mm = lambda v: '\\begin{pmatrix}' + '\\\\'.join(('&'.join(map(str, v[3 * i:3 * i + 3])) for i in range(3))) + '\\end{pmatrix}'
    g = D(mm(v))
    P('matrix', g, mm(v).replace('pmatrix', 'bmatrix').replace('&', ' & ').replace('\\\\', ' \\\\ '))
    w = v[:]
    w[ri(0, 8)] += 1
    M('matrix', g, mm(w))
    d = sp.Matrix(3, 3, v).det()
    P('matrix', D(str(d)), mm(v).replace('pmatrix', 'vmatrix'))
    u = ri(2, 5)
    P('matrix', g, f'\\frac{{1}}{{{u}}}' + mm([u * k for k in v]))
    t_ = [v[0], v[1], v[2]]
    P('vector', D('\\begin{pmatrix}%d\\\\%d\\\\%d\\end{pmatrix}' % tuple(t_)), '\\left(%d,%d,%d\\right)' % tuple(t_))
    P('vector', D('\\langle %d,%d,%d\\rangle' % tuple(t_)), '(%d,%d,%d)' % tuple(t_))
    M('vector', D('\\langle %d,%d,%d\\rangle' % tuple(t_)), '(%d,%d,%d)' % (t_[0], t_[1], t_[2] + 1))

def units2():
    v = ri(3, 90)
    add('unit', f'{v} m/s', f'The speed is {v} m/s.', True)
    add('unit', f'{v} m/s', f'$v = {v}\\,\\text{{m/s}}$', True)
    add('unit', D(f'{v}\\,\\mathrm{{m/s}}'), f'{v} m/s', True)
    add('unit', D(f'{v}\\text{{ ft}}^2'), f'{v} square feet', True)
    add('unit', D(f'{v}\\text{{ ft}}^2'), f'{v} ft^2', True)
    add('unit', D(f'{v}\\text{{ kg}}'), f'{v * 1000} g', True)
    add('unit', D(f'{v}\\text{{ kg}}'), f'{v} g', False)
    add('unit', D(f'{v}\\text{{ minutes}}'), f'{v * 60} seconds', True)
    add('unit', D(f'{v}\\text{{ hours}}'), f'{v} minutes', False)
    add('unit', D(f'{v}\\pi \\text{{ cm}}^3'), f'{v}\\pi', True)
    P('unit', D(f'{v}\\pi \\text{{ cm}}^3'), f'{v}\\pi\\text{{ cubic centimeters}}')
    M('unit', D(f'{v}\\pi \\text{{ cm}}^3'), f'{v}')
    P('unit', D(f'{v}\\sqrt{{3}}\\text{{ units}}'), f'{v}\\sqrt{{3}}')
    P('unit', D(f'\\frac{{{v}}}{{7}}\\text{{ hours}}'), f'\\frac{{{v}}}{{7}}\\text{{ h}}')
    P('unit', D(f'{v}^\\circ'), f'{v}^{{\\circ}}')
    P('unit', D(f'{v}^\\circ'), f'\\angle ABC={v}^\\circ')
    M('unit', D(f'{v}^\\circ'), f'{180 - v}^\\circ') if v != 90 else None
    P('unit', D(f'{v}^\\circ\\text{{C}}'), f'{v}')
    add('unit', f'{v} cents', f'${v / 100:.2f}', True)
    add('unit', f'{v} students', f'There are {v} students.', True)
    add('unit', f'{v} students', f'There are {v} students in 3 classes, so the answer is {v}.', True)

def text2():
    for g, s, w in [('yes', 'Yes', 'No'), ('\\text{False}', 'false', 'True'), ('\\text{increasing}', 'Increasing', 'decreasing'), ('\\text{Tuesday}', '\\text{Tuesday.}', '\\text{Monday}'), ('\\text{neither}', '\\text{Neither}', 'even'), ('\\text{isosceles triangle}', '\\text{Isosceles Triangle}', '\\text{right triangle}')]:
        g0 = g if not g.startswith('\\') else D(g)
        add('text', g0, '\\boxed{%s}' % (s if s.startswith('\\') else '\\text{%s}' % s), True)
        add('text', g0, '\\boxed{%s}' % (w if w.startswith('\\') else '\\text{%s}' % w), False)
        add('text', g0, s.replace('\\text{', '').replace('}', ''), True)
    l = R.choice('ABCD')
    w = 'ABCD'['ABCD'.index(l) - 1]
    add('choice', l, f'The correct answer is ({l}).', True)
    add('choice', l, f'\\boxed{{\\text{{{l}. }} 12}}', True)
    add('choice', l, f'\\boxed{{{l}}}', True)
    add('choice', l, f'\\boxed{{{w}}}', False)
    add('choice', l, f'The correct option is **{l}**.', True)
    add('choice', l, f'因此答案选{l}。', True)
    add('choice', l, f'因此答案选{w}。', False)
    add('choice', f'({l})', f'{l}', True)
    add('choice', l, f'{l})', True)
    v = ri(2, 90)
    add('chinese', f'{v}千米', f'两地相距{v}千米。', True)
    add('chinese', f'{v}千米', f'{v * 1000}米', True)
    add('chinese', f'{v}千米', f'{v}米', False)
    add('chinese', f'{v}元', f'答：一共花了{v}元。', True)
    add('chinese', f'{v}元', f'答：一共花了{v + 2}元。', False)
    add('chinese', f'${v}$', f'综上所述，最终答案为$\\boxed{{{v}}}$。', True)
    add('chinese', str(v), f'所以，x＝{v}。', True)
    add('chinese', f'{v}小时', f'{v}个小时', True)
    add('chinese', f'{v}分钟', f'\\boxed{{{v}\\text{{分钟}}}}', True)
    add('chinese', f'{v}', f'答案：{v}。', True)
    add('chinese', '$\\frac{1}{3}$', '所以概率是三分之一', True)

def complex2():
    u, v = (ri(1, 9), ri(1, 9))
    e = (u + v * sp.I) ** 2
    g = D(L(e))
    P('complex', g, L(sp.expand(e)).replace('i', 'i'))
    M('complex', g, L(sp.expand((u - v * sp.I) ** 2)))
    P('complex', D(f'{u}-{v}i'), f'-{v}i+{u}')
    P('complex', D(f'\\frac{{1}}{{{u}+{v}i}}'), f'\\frac{{{u}-{v}i}}{{{u * u + v * v}}}')
    M('complex', D(f'\\frac{{1}}{{{u}+{v}i}}'), f'\\frac{{{u}+{v}i}}{{{u * u + v * v}}}')
    P('complex', D(f'\\sqrt{{-{u * u}}}'), f'{u}i')
    P('complex', D(f'|{u}+{v}i|'), f'\\sqrt{{{u * u + v * v}}}')
    P('complex', D(f'{u}(\\cos\\frac{{\\pi}}{{3}}+i\\sin\\frac{{\\pi}}{{3}})'), f'{u}e^{{i\\pi/3}}')
    P('complex', D(f'{u}e^{{i\\pi/3}}'), f'\\frac{{{u}}}{{2}}+\\frac{{{u}\\sqrt{{3}}}}{{2}}i')
    M('complex', D(f'{u}e^{{i\\pi/3}}'), f'\\frac{{{u}}}{{2}}-\\frac{{{u}\\sqrt{{3}}}}{{2}}i')
    P('complex', D(f'\\pm {u}i'), f'{u}i, -{u}i')

def nearmiss():
    e = R.choice([S(2) + S(3), sp.pi / 4, sp.E ** 2, sp.log(7), S(S(5) + 2), sp.sin(1), sp.pi ** 2 / 6])
    g = D(L(e))
    v = float(e)
    M('near miss', '%s' % g, '%.5f' % (v * 1.0001))
    M('near miss', g, L(sp.Rational(int(round(v * 1000)), 1000)))
    M('near miss', g, L(e) + '+\\frac{1}{10^9}')
    M('near miss', g, L(e * sp.Rational(1000001, 1000000)))
    M('near miss', g, '-' + L(e)) if not L(e).count('+') else None
    P('near miss', g, '%.9f' % v)
    u = ri(10 ** 14, 10 ** 16)
    M('near miss', D(str(u)), str(u + 1))
    M('near miss', D(f'2^{{{ri(100, 900)}}}'), f'2^{{99}}+1')
    M('near miss', D(f'\\frac{{{u}}}{{{u + 1}}}'), '1')
    M('near miss', D(f'\\frac{{{u}}}{{{u + 1}}}'), f'\\frac{{{u - 1}}}{{{u}}}')
    M('near miss', D('x^{100}+1'), 'x^{100}')
    M('near miss', D('x^2+10^{-9}x'), 'x^2')
    M('near miss', D('\\sin x'), 'x')
    M('near miss', D('\\frac{355}{113}'), '\\pi')
    M('near miss', D('e^{\\pi}-\\pi'), '20')
    M('near miss', D('n!'), 'n^n')
    M('near miss', D('\\ln 2'), '0.6931')
fams = [algebra] * 4 + [multivar, surds, surds, identities, numbers2, sets2, eqs2, matrices2, units2, text2, complex2, nearmiss]
for f in fams:
    for _ in range(N):
        f()
D0 = sys.argv[4]
import re
sv = [json.loads(l)['Answer'] for l in open(D0 + 'svamp.jsonl')]
for v in R.sample(sv, 20 * N):
    add('svamp', str(v), 'So the answer is **%g**.' % v, True)
    add('svamp', str(v), 'So the answer is **%g**.' % (v + 1), False)
gs = [json.loads(l)['answer'] for l in open(D0 + 'gsm8k.jsonl')]
for s in R.sample(gs, 40 * N):
    add('gsm8k', s.split('####')[1].strip(), re.sub('<<.*?>>', '', s), True)
    w = R.choice(gs)
    if w.split('####')[1].strip() != s.split('####')[1].strip():
        add('gsm8k', s.split('####')[1].strip(), w, False)
R.shuffle(rows)
with open(out, 'w') as f:
    for r_ in rows:
        f.write(json.dumps(r_, ensure_ascii=False) + '\n')
print(len(rows), sum((r_['expected'] for r_ in rows)))
