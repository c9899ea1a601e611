"""Makes the files beside it: a column of every type that parquet and Arrow know, and what Python says of their values.

`expected.json` is `to_pylist` of pyarrow in JSON: moments by `isoformat`, lengths of time as pandas writes them, UUIDs and
decimals as their digits. Where JSON has no value it names what there is. Written with Python 3.12, pyarrow 26.0.1, pandas
and datasets 5.2.0.  Run: python make.py
"""

import datetime
import decimal
import json
import math
import uuid
from zoneinfo import ZoneInfo

import pandas as pd
import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet

MOMENT = datetime.datetime(2024, 7, 15, 12, 30, 1, 250000)
ID = uuid.UUID("12345678-9abc-def0-1234-56789abcdef0")
NOTHING = None


def nested(values, offsets):
    return pa.ListArray.from_arrays(pa.array(offsets, pa.int32()), values)


def dictionary(values, key=pa.int8()):
    return pa.array(values).dictionary_encode().cast(pa.dictionary(key, pa.array(values).type))


# Name, values, and the type where it is not the one of the values. Three rows; the second is null.
COLUMNS = {
    "null": pa.array([None, None, None]),
    "flag": pa.array([True, None, False]),
    "int8": pa.array([-128, None, 127], pa.int8()),
    "int16": pa.array([-32768, None, 3], pa.int16()),
    "int32": pa.array([-5, None, 2**31 - 1], pa.int32()),
    "int64": pa.array([2**53 + 1, None, -(2**63)]),
    "uint8": pa.array([0, None, 255], pa.uint8()),
    "uint16": pa.array([7, None, 65535], pa.uint16()),
    "uint32": pa.array([7, None, 2**32 - 1], pa.uint32()),
    "uint64": pa.array([7, None, 2**64 - 1], pa.uint64()),
    "float16": pa.array([0.5, None, -2.0], pa.float16()),
    "float32": pa.array([0.1, None, 3.0], pa.float32()),
    "float64": pa.array([0.1, None, math.nan]),
    "text": pa.array(["What is 1+1?", None, "多少？"]),
    "large_text": pa.array(["a", None, ""], pa.large_string()),
    "text_view": pa.array(["a", None, "longer than twelve bytes"], pa.string_view()),
    "bytes": pa.array([b"hi", None, b"\xff\xfe"]),
    "large_bytes": pa.array([b"hi", None, b""], pa.large_binary()),
    "fixed_bytes": pa.array([b"abc", None, "é!".encode()], pa.binary(3)),
    "category": dictionary(["What is 1+1?", None, "b"]),
    "category_of_numbers": dictionary([10, None, 20]),
    "large_category": pa.array(["a", None, "a"], pa.large_string()).dictionary_encode(),
    "date32": pa.array([MOMENT.date(), None, datetime.date(1969, 12, 31)]),
    "date64": pa.array([MOMENT.date(), None, datetime.date(1969, 12, 31)], pa.date64()),
    "moment_s": pa.array([MOMENT.replace(microsecond=0), None, datetime.datetime(1, 1, 1)], pa.timestamp("s")),
    "moment_ms": pa.array([MOMENT, None, datetime.datetime(1969, 12, 31, 23, 59, 59)], pa.timestamp("ms")),
    "moment_us": pa.array([MOMENT, None, MOMENT.replace(microsecond=1)]),
    "moment_ns": pa.array([1_721_046_601_000_000_001, None, 0], pa.timestamp("ns")),
    "moment_utc": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "UTC")),
    "moment_zurich": pa.array([MOMENT, None, datetime.datetime(2024, 1, 1)], pa.timestamp("ms", "Europe/Zurich")),
    "moment_fixed": pa.array([MOMENT, None, MOMENT], pa.timestamp("us", "-03:30")),
    "time_s": pa.array([datetime.time(12, 30), None, datetime.time(0)], pa.time32("s")),
    "time_ms": pa.array([datetime.time(12, 30, 1, 250000), None, datetime.time(0)], pa.time32("ms")),
    "time_us": pa.array([datetime.time(12, 30, 1, 1), None, datetime.time(23, 59, 59)]),
    "time_ns": pa.array([datetime.time(12, 30, 1, 1), None, datetime.time(0)], pa.time64("ns")),
    "duration_s": pa.array([datetime.timedelta(days=1, seconds=5), None, datetime.timedelta(0)], pa.duration("s")),
    "duration_ms": pa.array([datetime.timedelta(milliseconds=1500), None, datetime.timedelta(hours=30)], pa.duration("ms")),
    "duration_us": pa.array([datetime.timedelta(microseconds=1), None, datetime.timedelta(minutes=3)]),
    "duration_ns": pa.array([1, None, 10**9], pa.duration("ns")),
    "decimal": pa.array([decimal.Decimal("-0.05"), None, decimal.Decimal("1234.50")]),
    "decimal32": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("-2.5")], pa.decimal32(5, 1)),
    "decimal64": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("-2.5")], pa.decimal64(12, 1)),
    "decimal_long": pa.array([decimal.Decimal(10**29 + 1), None, decimal.Decimal(72)], pa.decimal128(38, 0)),
    "decimal256": pa.array([decimal.Decimal("1.5"), None, decimal.Decimal(10**45 + 1)], pa.decimal256(60, 2)),
    "list": pa.array([[1, None], None, []]),
    "large_list": pa.array([["a"], None, ["b", "c"]], pa.large_list(pa.string())),
    "fixed_list": pa.array([[1.5, 2.0], None, [0.0, None]], pa.list_(pa.float32(), 2)),
    "list_of_days": pa.array([[MOMENT.date()], None, []]),
    "struct": pa.array([{"role": "user", "at": MOMENT}, None, {"role": None, "at": None}]),
    "turns": pa.array([[{"role": "user", "content": "q"}], None, []]),
    "map": pa.array([[("a", 1), ("b", 2)], None, []], pa.map_(pa.string(), pa.int64())),
    "json": pa.array(['{"a": [1, {}], "b": null}', None, '"x"'], pa.json_()),
    "list_of_json": nested(pa.array(['{"a": 1}', "2"], pa.json_()), [0, 2, 2, 2]),
    "uuid": pa.array([ID.bytes, None, bytes(16)], pa.uuid()),
    "category_in_struct": pa.StructArray.from_arrays([dictionary(["x", None, "y"])], ["of"]),
}
ARROW_ONLY = {
    "interval": pa.array([pa.MonthDayNano([14, -3, 1_500_000_000]), None, pa.MonthDayNano([0, 0, 0])]),
    "bool8": pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, None, 0], pa.int8())),
    "union": pa.UnionArray.from_sparse(pa.array([0, 1, 0], pa.int8()), [pa.array([1, 2, 3]), pa.array(["a", None, "c"])]),
    "dense_union": pa.UnionArray.from_dense(
        pa.array([0, 1, 0], pa.int8()), pa.array([0, 0, 1], pa.int32()), [pa.array([1, 3]), pa.array(["b"])]
    ),
    "list_of_categories": nested(dictionary(["x", "y"]), [0, 1, 1, 2]),
}


def plain(value, of):
    """A value of Python as JSON, by its type where Python has forgotten that."""
    if value is None or isinstance(value, (bool, str)):
        return json.loads(value) if value is not None and isinstance(of, pa.JsonType) else value
    if pa.types.is_duration(of):
        text = (value if isinstance(value, pd.Timedelta) else pd.Timedelta(value)).isoformat()
        return text
    if pa.types.is_map(of):
        return [{"key": plain(key, of.key_type), "value": plain(item, of.item_type)} for key, item in value]
    if pa.types.is_dictionary(of):
        return plain(value, of.value_type)
    if isinstance(value, pa.MonthDayNano):
        seconds = f"{value.nanoseconds / 1e9:g}"
        return f"P{value.months}M{value.days}DT{seconds}S"
    if isinstance(value, (datetime.date, datetime.time, datetime.datetime)):
        return value.isoformat()
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, decimal.Decimal):
        if of.scale == 0:
            return int(value) if abs(value) < 2**63 else str(value)
        shortest = format(value, "f").rstrip("0").rstrip(".")
        exact = format(decimal.Decimal(repr(float(value))), "f").rstrip("0").rstrip(".") == shortest
        return float(value) if exact else format(value, "f")
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return {"foreign": "bytes that are no UTF-8"}
    if isinstance(value, dict):
        return {key: plain(item, of.field(key).type) for key, item in value.items()}
    if isinstance(value, list):
        return [plain(item, of.value_type) for item in value]
    if isinstance(value, float) and math.isnan(value):
        return {"foreign": "NaN"}
    return value


def expected(columns):
    return {name: [plain(value, column.type) for value in column.to_pylist()] for name, column in columns.items()}


def main():
    parquet = pa.table(COLUMNS)
    # In two row groups, so that a part is read from the middle of a column too.
    pa.parquet.write_table(parquet, "all.parquet", row_group_size=2)
    # Without Arrow's schema there are parquet's own types alone.
    pa.parquet.write_table(parquet, "plain.parquet", store_schema=False, version="2.6")
    arrow = pa.table({**COLUMNS, **ARROW_ONLY})
    with pa.ipc.new_file("all.arrow", arrow.schema) as writer:
        writer.write_table(arrow)
    with pa.ipc.new_stream("stream.arrow", arrow.schema) as writer:
        writer.write_table(arrow, max_chunksize=2)
    for codec in ["lz4", "zstd"]:
        # Numbers that repeat, so that there is something to compress.
        columns = {"n": list(range(300)) * 5, "text": ["a"] * 1500, "of": pa.array(["x", "yy"] * 750).dictionary_encode()}
        with pa.ipc.new_file(f"{codec}.feather", pa.table(columns).schema, options=pa.ipc.IpcWriteOptions(compression=codec)) as writer:
            writer.write_table(pa.table(columns), max_chunksize=1000)
    answers = {
        "all.parquet": expected(COLUMNS),
        "plain.parquet": expected(dict(zip(parquet.column_names, pa.parquet.read_table("plain.parquet").columns))),
        "all.arrow": expected({**COLUMNS, **ARROW_ONLY}),
    }
    with open("expected.json", "w") as file:
        json.dump(answers, file, ensure_ascii=False, indent=1)


main()
