"""Verdicts of polars for Python on a table of rows, which conditions of this crate must share.

    python make.py > verdicts.json        # with polars 1.44.2 of PyPI

polars 2.1.0 differs in what remains of a negative number: `-7 % 2` is -1 there, and 1 here.
"""

import json

import polars

COLUMNS = {
    "prompt": ["天空是蓝的?", "ABC", "", None, "a_c%", "  pad "],
    "score": [0.75, -1.5, 0.0, 2.0, None, 1e300],
    "n": [3, -7, 0, 4, None, 2],
    "ok": [True, False, None, True, False, True],
    "tags": [["a", "b"], [], None, ["x"], ["y", "z", "w"], ["q"]],
    "meta": [
        {"source": "web", "year": 2024},
        {"source": "book", "year": None},
        None,
        {"source": None, "year": 1999},
        {"source": "", "year": 0},
        {"source": "web", "year": -1},
    ],
}

CASES = """
length(prompt) < 7
length(prompt) = 6 AND score > 0.5
score >= 0.75 AND score <= 0.75 AND score <> 1
NOT score > 1
score = 0.75 OR ok
n + 1 = 4
n * 2 - 1 = 5
n / 2 = 1.5
n / 2 > 1
n % 2 = 1
n % 2 = -1
-n < 0
n BETWEEN 1 AND 3
n NOT BETWEEN 1 AND 3
n IN (1, 3)
n NOT IN (1, 3)
prompt IN ('x', 'ABC')
prompt NOT IN ('x', 'ABC')
n IN (3, NULL)
n NOT IN (3, NULL)
NOT (n IN (3, NULL))
prompt LIKE '天空%'
prompt LIKE '%_的?'
prompt NOT LIKE '%B%'
prompt LIKE 'a_c%'
prompt ILIKE 'a_c'
prompt ILIKE '%B%'
prompt LIKE ''
lower(prompt) = 'abc'
upper(prompt) = 'ABC'
trim(prompt) = 'pad'
starts_with(prompt, '天')
ends_with(prompt, '?')
ok
NOT ok
ok AND n > 0
ok OR n > 0
NOT (ok AND n > 0)
NOT (ok OR n > 0)
ok IS NULL
prompt IS NOT NULL
coalesce(n, 5) = 5
coalesce(score, 0) = 0
abs(n) = 7
abs(score) > 1
score = n
n = 3.0
prompt < 'B'
prompt = NULL
NOT (prompt = NULL)
ok = true
array_length(tags) = 2
array_length(tags) < 2
n <> 3
n != 3
(n > 1) = ok
n / 0 > 1
n / 0 < 1
0 / n = 0
score / n > 0
n / n = 1
n // 2 = 1
n // 2 = -4
n % 0 = 0
n // 0 = 1
strpos(prompt, 'B') > 0
strpos(prompt, '蓝') = 4
strpos(prompt, '') > 0
prompt LIKE '%是%'
prompt ~ '^[A-Z]+$'
prompt ~ '是.?蓝'
prompt !~ '[A-Z]'
prompt ~* 'abc'
regexp_like(prompt, '^a', 'i')
prompt RLIKE 'pad'
octet_length(prompt) > 5
char_length(prompt) = 3
left(prompt, 1) = 'A'
right(prompt, 1) = 'C'
substr(prompt, 2, 1) = 'B'
replace(prompt, 'B', 'X') = 'AXC'
concat(prompt, '!') = 'ABC!'
prompt || n = 'ABC-7'
reverse(prompt) = 'CBA'
ltrim(prompt) = 'pad '
split_part(prompt, '_', 1) = 'a'
array_length(tags) = 0
array_contains(tags, 'a')
NOT array_contains(tags, 'a')
tags[1] = 'a'
tags[2] = 'z'
tags[9] IS NULL
array_to_string(tags, '+') = 'a+b'
array_length(string_to_array(prompt, '_')) = 2
meta.source = 'web'
meta.year > 1990
meta.source IS NULL
(meta -> 'source') = 'book'
length(meta.source) = 0
CASE WHEN n > 2 THEN 'many' WHEN n > 0 THEN 'few' ELSE 'none' END = 'few'
CASE n WHEN 3 THEN true ELSE false END
if(n > 0, ok, NOT ok)
nullif(n, 3) IS NULL
ifnull(n, 0) = 0
greatest(n, score) = n
least(n, 0) < 0
round(score) = 1
round(score, 1) = 0.8
ceil(score) = 1
floor(score) = -2
sign(n) = -1
sqrt(n) = 2
power(n, 2) = 9
ln(n) > 1
CAST(n AS VARCHAR) = '3'
n::text = '-7'
CAST(n AS DOUBLE) / 2 = 1.5
TRY_CAST(prompt AS INT) IS NULL
n IS DISTINCT FROM 3
n IS NOT DISTINCT FROM NULL
ok IS TRUE
ok IS NOT TRUE
ok IS FALSE
n <=> NULL
NOT (n BETWEEN 1 AND 3 OR ok)
n = 1 OR NULL
score > 0 AND prompt LIKE '%'
n + score > 3
-score > 1
n * n = 49
score = 0.75 AND n = 3 AND ok AND prompt LIKE '天%'
""".strip().splitlines()

REFUSED = """
n > 'a'
prompt > 1
array_length(prompt) = 1
length(tags) = 1
abs(prompt) = 1
nothing > 1
meta.nothing = 1
array_contains(tags, 1)
n IN ('a', 'b')
prompt IN (1, 2)
contains(prompt, 'B')
prompt ~ '['
CAST(prompt AS INT) > 1
n LIKE '3%'
lower(n) = '3'
""".strip().splitlines()

frame = polars.DataFrame(COLUMNS)
cases = {}
for expression in CASES:
    verdicts = frame.select(polars.sql_expr(expression).alias("verdict"))["verdict"].to_list()
    cases[expression] = [verdict is True for verdict in verdicts]
for expression in REFUSED:
    try:
        frame.select(polars.sql_expr(expression))
    except polars.exceptions.PolarsError:
        continue
    raise SystemExit(f"polars takes {expression}")

def lines(items):
    return ",\n".join(f"  {item}" for item in items)


def compact(value):
    return json.dumps(value, ensure_ascii=False)


print(f"""{{
 "polars": {compact(polars.__version__)},
 "rows": [
{lines(compact(row) for row in frame.to_dicts())}
 ],
 "kept": {{
{lines(f"{compact(expression)}: {compact(kept)}" for expression, kept in cases.items())}
 }},
 "refused": {compact(REFUSED)}
}}""")
