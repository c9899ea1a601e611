"""Verdicts of polars' own SQL expressions on a table of rows, which conditions of this crate must share.

    python make.py > verdicts.json        # with polars 2.1.0 of PyPI

Left out is what polars has no function for (`contains`, the length of a list by `length`), and division by 0, which has no
value here and is infinite or no number there, where no number is greater than every number.
"""

import json

import polars

COLUMNS = {
    "prompt": ["天空是蓝的?", "ABC", "", None, "a_c%", "  pad "],
    "score": [0.75, -1.5, 0.0, 2.0, None, 1e300],
    "n": [3, -7, 0, 4, None, 2],
    "ok": [True, False, None, True, False, True],
    "tags": [["a", "b"], [], None, ["x"], ["y", "z", "w"], ["q"]],
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
""".strip().splitlines()

REFUSED = ["n > 'a'", "prompt > 1", "array_length(prompt) = 1", "abs(prompt) = 1", "nothing > 1"]

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
