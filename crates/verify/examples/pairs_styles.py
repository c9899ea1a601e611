"""Writes pairs of a gold answer and a text that is equal to it, or is not, by construction.

    python pairs_styles.py SEED OUT.jsonl REPETITIONS

Further ways of writing, written and judged as the shapes were. Needs sympy 1.14. A row has kind, gold, answer, expected.
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
L = sp.latex
x, y, z, n, t, a, b, k = sp.symbols('x y z n t a b k')

def w(s):
    return R.choice(['$%s$', '\\boxed{%s}', 'Thus the value is $%s$.', '**Answer**: $%s$', '\\begin{align*}u&=1\\\\ \\end{align*} so $$\\boxed{%s}$$', 'The final answer is $%s$', '\\( %s \\)', 'Answer: \\boxed{%s}']) % s

def P(c, g, s):
    add(c, g, w(s), True)

def M(c, g, s):
    add(c, g, w(s), False)

def Q(c, g, s, t_):
    add(c, g, s, t_)

def ascii_():
    u, v = (ri(2, 9), R.choice([2, 3, 5, 7]))
    c = ri(2, 9)
    Q('ascii', D(f'{u}\\sqrt{{{v}}}'), f'{u}sqrt({v})', True)
    Q('ascii', D(f'\\frac{{\\sqrt{{{v}}}}}{{{u}}}'), f'sqrt({v})/{u}', True)
    Q('ascii', D(f'\\frac{{\\sqrt{{{v}}}}}{{{u}}}'), f'sqrt({v}/{u})', False)
    Q('ascii', D(f'\\frac{{1+\\sqrt{{5}}}}{{2}}'), '(1+sqrt(5))/2', True)
    Q('ascii', D(f'\\frac{{1+\\sqrt{{5}}}}{{2}}'), '1+sqrt(5)/2', False)
    Q('ascii', D(f'\\frac{{\\pi}}{{{u}}}'), f'pi/{u}', True)
    Q('ascii', D(f'\\frac{{\\pi}}{{{u}}}'), f'pi*{u}', False)
    Q('ascii', D(f'x\\ge {u}'), f'x >= {u}', True)
    Q('ascii', D(f'x\\ge {u}'), f'x > {u}', False)
    Q('ascii', D(f'-{u}\\le x\\le {u}'), f'-{u} <= x <= {u}', True)
    Q('ascii', D(f'x\\ne {u}'), f'x != {u}', True)
    Q('ascii', D(f'{u}x^{{{c}}}'), f'{u}x^{c}', True)
    Q('ascii', D(f'{u}x^{{{c}}}'), f'{u}*x^{c}', True)
    Q('ascii', D(f'{u}x^{{{c}}}'), f'({u}x)^{c}', False)
    Q('ascii', D(f'10^{{-{u}}}'), f'10^(-{u})', True)
    Q('ascii', D(f'2^{{{c + 9}}}'), f'2^{c + 9}', True)
    Q('ascii', D(f'e^{{{u}}}'), f'e^{u}', True)
    Q('ascii', D(f'e^{{{u}}}'), f'exp({u})', True)
    Q('ascii', D(f'\\frac{{{u}x+1}}{{x-{v}}}'), f'({u}x+1)/(x-{v})', True)
    Q('ascii', D(f'\\frac{{{u}x+1}}{{x-{v}}}'), f'{u}x+1/(x-{v})', False)
    Q('ascii', D(f'\\ln {u}'), f'ln({u})', True)
    Q('ascii', D(f'({u}, -{v})'), f'({u}, -{v})', True)
    Q('ascii', D(f'({u}, -{v})'), f'({u}, {v})', False)
    Q('ascii', D(f'\\sin {u}x'), f'sin({u}x)', True)
    Q('ascii', D(f'\\infty'), 'infinity', True)

def calculus():
    c, d = (ri(2, 9), ri(2, 5))
    g = D(f'{c}x^{{{d}}}e^{{x^{{{d + 1}}}}}')
    P('calculus', g, f'e^{{x^{{{d + 1}}}}}\\cdot {c}x^{{{d}}}')
    M('calculus', g, f'{c}x^{{{d}}}e^{{x^{{{d}}}}}')
    g = D(f'\\frac{{x^{{{d}}}}}{{{d}}}+C')
    P('calculus', g, f'C+\\frac{{1}}{{{d}}}x^{{{d}}}')
    M('calculus', g, f'\\frac{{x^{{{d + 1}}}}}{{{d + 1}}}+C')
    g = D(f'\\frac{{{c}}}{{2\\sqrt{{x}}}}')
    P('calculus', g, f'\\frac{{{c}}}{{2}}x^{{-1/2}}')
    M('calculus', g, f'\\frac{{{c}}}{{2}}x^{{1/2}}')
    g = D(f'x\\ln x - x')
    P('calculus', g, 'x(\\ln x-1)')
    M('calculus', g, 'x(\\ln x+1)')
    g = D(f'\\ln|x+{c}|')
    P('calculus', g, f'\\ln |{c}+x|')
    M('calculus', g, f'\\ln|x-{c}|')
    P('calculus', D(f'-\\frac{{{c}}}{{x^2}}'), f'-{c}x^{{-2}}')
    P('calculus', D(f'\\arctan({c}x)'), f'\\arctan {c}x')
    P('calculus', D(f'\\frac{{1}}{{{c}}}\\sin {c}x'), f'\\frac{{\\sin({c}x)}}{{{c}}}')
    M('calculus', D(f'\\frac{{1}}{{{c}}}\\sin {c}x'), f'\\sin x')

def families():
    c, d = (ri(2, 6), ri(1, 9))
    g = D(f'x=\\frac{{\\pi}}{{{c}}}+k\\pi, k\\in\\mathbb{{Z}}')
    P('family', g, f'x=k\\pi+\\frac{{\\pi}}{{{c}}}, k\\in\\mathbb{{Z}}')
    M('family', g, f'x=\\frac{{\\pi}}{{{c + 1}}}+k\\pi, k\\in\\mathbb{{Z}}')
    P('family', D(f'{c}k+{d}'), f'{d}+{c}k')
    P('polar', D(f'({c},\\frac{{\\pi}}{{{c}}})'), f'\\left({c},\\dfrac{{\\pi}}{{{c}}}\\right)')
    M('polar', D(f'({c},\\frac{{\\pi}}{{{c}}})'), f'({c},\\frac{{\\pi}}{{{c + 1}}})')
    P('polar', D(f'({c},\\frac{{3\\pi}}{{2}})'), f'({c},1.5\\pi)')
    g = D(f'{c}\\mathbf{{i}}-{d}\\mathbf{{j}}')
    P('vector', g, f'-{d}\\mathbf{{j}}+{c}\\mathbf{{i}}')
    M('vector', g, f'{c}\\mathbf{{i}}+{d}\\mathbf{{j}}')
    P('vector', D(f'\\overrightarrow{{AB}}={c}'), f'{c}')
    P('sign', D(f'-{c}'), f'(-{c})')
    P('sign', D(str(c)), f'-(-{c})')
    P('sign', D(f'\\frac{{{c}}}{{{d}}}'), f'\\frac{{-{c}}}{{-{d}}}')
    P('sign', D(f'{c}'), f'+{c}')
    M('sign', D(f'{c}'), f'-{c}')
    P('mod', D(f'{c}'), f'{c} \\pmod{{{c + d + 3}}}')
    M('mod', D(f'{c}'), f'{c + 1} \\pmod{{{c + d + 3}}}')
    P('gcd', D(str(math.gcd(c * 12, d * 18))), f'\\gcd({c * 12},{d * 18})')
    P('gcd', D(str(math.lcm(c, d))), f'\\operatorname{{lcm}}({c},{d})')
    P('max', D(str(max(c, d))), f'\\max\\{{{c},{d}\\}}')
    M('max', D(str(c + d)), f'\\max({c},{d})')

def money():
    v = ri(1000, 99999)
    c = ri(10, 99)
    Q('money', D(f'\\${v:,}.{c}'), f'${v:,}.{c}', True)
    Q('money', D(f'\\${v:,}.{c}'), f'{v}.{c}', True)
    Q('money', D(f'\\${v:,}.{c}'), f'The account holds ${v + 1:,}.{c}.', False)
    Q('money', D(f'{v}.{c}'), f'\\boxed{{\\${v:,}.{c}}}', True)
    Q('money', f'{v} dollars', f'${v}', True)
    Q('money', f'{v} euros', f'€{v}', True)
    Q('money', f'{v} dollars', f'{v} euros', False)
    u = ri(2, 9)
    Q('unit', D(f'{u}.0\\times 10^8\\text{{ m/s}}'), f'{u}\\times10^8 \\text{{ m/s}}' and f'${u}\\times 10^8$ m/s', True)
    Q('unit', D(f'{u}\\text{{ cm}}'), f'{u * 10} mm', True)
    Q('unit', D(f'{u}\\text{{ cm}}'), f'{u} mm', False)
    Q('unit', f'{u} hours', f'{u} hrs', True)
    Q('unit', f'{u} hours', f'{u * 60} minutes', True)
    Q('unit', f'{u} feet', f'{u * 12} inches', True)
    Q('unit', f'{u} feet', f'{u} inches', False)
    Q('unit', D(f'{u}\\text{{ cm}}^2'), f'{u} cm²', True)
    Q('unit', D(f'{u}\\text{{ m}}^3'), f'{u} cubic meters', True)
    Q('unit', D(f'{u}\\text{{ m}}^3'), f'{u} square meters', False)
    Q('unit', D(f'\\frac{{{u}}}{{3}}\\text{{ liters}}'), f'{u}/3 liters', True)

def combos():
    s = R.sample(range(2, 60), 3)
    Q('list', D(f'{s[0]},{s[1]},{s[2]}'), f'The solutions are ${s[2]}$, ${s[0]}$ and ${s[1]}$.', True)
    Q('list', D(f'{s[0]},{s[1]},{s[2]}'), f'The answer is {s[1]}, {s[0]}, and {s[2]}.', True)
    Q('list', D(f'{s[0]},{s[1]},{s[2]}'), f'The answer is {s[1]}, {s[0]}, and {s[2] + 1}.', False)
    Q('list', D(f'{s[0]},{s[1]}'), f'x = {s[0]} or x = {s[1]}', True)
    Q('list', D(f'{s[0]},{s[1]}'), f'\\boxed{{{s[0]}}} and \\boxed{{{s[1]}}}', True)
    Q('list', D(f'{s[0]},{s[1]}'), f'\\boxed{{{s[0]}, {s[2]}}}', False)
    Q('list', D(f'\\frac{{1}}{{{s[0]}}}, \\frac{{1}}{{{s[1]}}}'), f'\\boxed{{\\frac{{1}}{{{s[1]}}},\\frac{{1}}{{{s[0]}}}}}', True)
    Q('list', D(f'0.5, {s[0]}'), f'\\boxed{{\\frac{{1}}{{2}}, {s[0]}}}', True)
    Q('prose', D(f'x={s[0]}'), f'Solving gives x = {s[0]}.', True)
    Q('prose', D(f'x={s[0]}'), f'Solving gives x = {s[1]}.', False)
    Q('prose', str(s[0]), f'Step 1: 3+4=7. Step 2: done.\nAnswer: {s[0]}\n', True)
    Q('prose', str(s[0]), f'The answer cannot be {s[1]}. The answer is {s[0]}.', True)
    Q('prose', str(s[0]), f'**{s[0]}**', True)
    Q('prose', str(s[0]), f'Final answer: {s[0]}', True)
    Q('prose', str(s[0]), f'Final answer: {s[1]}', False)
    Q('prose', str(s[0]), f'{s[1]}+{s[2]}={s[0]}', True)
    Q('prose', str(s[0]), f'Total = {s[0]} pages', True)
    Q('prose', str(s[0]), f'\\boxed{{\\text{{Yes, }} {s[0]}}}' and f'Yes. It is {s[0]}.', True)
    Q('prose', f'{s[0]}', f'<think>\nI guess {s[1]}\n</think>\n\nThe answer is \\(\\boxed{{{s[0]}}}\\).', True)
    Q('prose', f'{s[0]}', f'<think>\nI guess {s[0]}\n</think>\n\nThe answer is \\(\\boxed{{{s[1]}}}\\).', False)

def functions():
    c, d = (ri(2, 9), ri(2, 9))
    P('nested', D(f'\\frac{{\\frac{{1}}{{{c}}}}}{{{d}}}'), f'\\frac{{1}}{{{c * d}}}')
    M('nested', D(f'\\frac{{\\frac{{1}}{{{c}}}}}{{{d}}}'), f'\\frac{{{d}}}{{{c}}}')
    P('nested', D(f'\\frac{{1}}{{1+\\frac{{1}}{{x}}}}'), '\\frac{x}{x+1}')
    M('nested', D(f'\\frac{{1}}{{1+\\frac{{1}}{{x}}}}'), '\\frac{x+1}{x}')
    P('function', D(f'\\log_{{{c}}} {c ** 3} + \\log_{{{d}}} {d ** 2}'), '5')
    P('function', D(f'\\log_{{{c * c}}} x'), f'\\frac{{1}}{{2}}\\log_{c} x')
    M('function', D(f'\\log_{{{c * c}}} x'), f'2\\log_{c} x')
    P('function', D(f'\\left(\\frac{{{c}}}{{{d}}}\\right)^{{-2}}'), f'\\frac{{{d * d}}}{{{c * c}}}')
    M('function', D(f'\\left(\\frac{{{c}}}{{{d + 10}}}\\right)^{{-2}}'), f'\\frac{{{c * c}}}{{{(d + 10) ** 2}}}')
    P('function', D(f'{c * c}^{{3/2}}'), str(c ** 3))
    P('function', D(f'\\sqrt{{{c * c}x^2}}'), f'{c}|x|')
    M('function', D(f'\\sqrt{{{c * c}x^2}}'), f'{c}x')
    P('function', D(f'\\lfloor \\sqrt{{{c * c + 1}}} \\rfloor'), str(c))
    M('function', D(f'\\lceil \\sqrt{{{c * c + 1}}} \\rceil'), str(c))
    P('function', D(f'\\sum_{{n=1}}^{{{c}}} \\frac{{1}}{{n(n+1)}}'), f'\\frac{{{c}}}{{{c + 1}}}')
    P('function', D(f'\\sum_{{k=0}}^{{{c}}} \\binom{{{c}}}{{k}}'), str(2 ** c))
    M('function', D(f'\\sum_{{k=0}}^{{{c}}} \\binom{{{c}}}{{k}}'), str(2 ** c - 1))
    P('function', D(f'{c}!!'), str(sp.factorial2(c)))
    P('function', D('\\cos 72^\\circ'), '\\frac{\\sqrt{5}-1}{4}')
    M('function', D('\\cos 72^\\circ'), '\\frac{\\sqrt{5}+1}{4}')
    P('function', D('\\sin 15^\\circ'), '\\frac{\\sqrt6-\\sqrt2}{4}')
    P('function', D('\\tan\\frac{\\pi}{8}'), '\\sqrt2-1')
    P('function', D('\\sqrt{3+2\\sqrt2}'), '1+\\sqrt2')
    M('function', D('\\sqrt{3-2\\sqrt2}'), '1-\\sqrt2')
    P('function', D('\\sqrt{3-2\\sqrt2}'), '\\sqrt2-1')
    P('function', D(f'\\frac{{{c}}}{{{d}}}\\pi'), f'\\frac{{{c}\\pi}}{{{d}}}')
    P('function', D(f'{c}^{{2x}}'), f'{c * c}^{{x}}')
    M('function', D(f'{c}^{{2x}}'), f'2\\cdot{c}^{{x}}')
    P('function', D('\\frac{a^2-b^2}{a-b}'), 'a+b')
    P('function', D('(x+y)^3'), 'x^3+3x^2y+3xy^2+y^3')
    M('function', D('(x+y)^3'), 'x^3+y^3')
for f in [ascii_, calculus, families, money, combos, functions]:
    for _ in range(N):
        f()
R.shuffle(rows)
with open(out, 'w') as f:
    for r_ in rows:
        f.write(json.dumps(r_, ensure_ascii=False) + '\n')
print(len(rows), sum((r_['expected'] for r_ in rows)))
