"""Makes the corpus beside it: small files of every format that are damaged, hostile or merely odd.

Each is read by `tests/dataset/corpus.rs`, which compares what comes of it with `verdicts.json`.  Run: python make.py
"""

import gzip
import os
import shutil
import struct

import pyarrow as pa
import pyarrow.parquet

GOOD = b'{"prompt": "q", "completion": "a"}'
FILES = {}


def jsonl():
    deep = b'{"a": ' + b"[" * 5000 + b"]" * 5000 + b"}"
    return {
        "empty": b"",
        "blank": b"\n \n\t\r\n",
        "mark": b"\xef\xbb\xbf" + GOOD + b"\n",
        "two-marks": b"\xef\xbb\xbf\xef\xbb\xbf" + GOOD,
        "crlf": GOOD + b"\r\n\r\n" + GOOD + b"\r\n",
        "carriage-returns": GOOD + b"\r" + GOOD,
        "half": GOOD + b"\n" + GOOD[:20],
        "nul-tail": GOOD + b"\n\0\0\0\0",
        "nul-within": b'{"prompt": "a\0b"}\n' + GOOD,
        "utf16": ("\ufeff" + GOOD.decode()).encode("utf-16-le"),
        "latin1": '{"prompt": "Größe"}'.encode("latin-1"),
        "overlong": b'{"prompt": "\xc0\xaf"}\n' + GOOD,
        "lone-surrogate": b'{"prompt": "\\ud800"}\n{"prompt": "\\ud83d\\ude00"}\n',
        "deep": deep + b"\n" + GOOD,
        "twice": b'{"a": 1, "a": 2}\n' + GOOD,
        "twice-within": b'{"a": [{"b": 1, "b": 1}]}',
        "no-objects": b'1\n"a"\nnull\n[]\n{}\n',
        "nan": b'{"a": NaN}\n{"a": Infinity}\n{"a": -Infinity}\n{"a": 1e999}\n',
        "long-integers": b'{"a": 18446744073709551615}\n{"a": 18446744073709551616}\n{"a": -9223372036854775809}\n',
        "numbers": b'{"a": 01}\n{"a": .5}\n{"a": 1.}\n{"a": +1}\n{"a": 0x1}\n{"a": -0}\n{"a": 1E5}\n',
        "comments": b'// a\n{"a": 1} // b\n{"a": 1,}\n',
        "two-in-a-line": GOOD + GOOD + b"\n" + GOOD + b" " + GOOD,
        "quotes": b"{'a': 1}\n{a: 1}\n{\"a\": 1\n{\"a\": \"\n",
        "control": b'{"a": "\x01\x1f"}\n{"a": "\\x"}\n{"a": "\\u12"}\n',
        "key": b'{"": 1}\n{"\\u0000": 2}\n{"a.b[0]": 3}\n',
    }


def array():
    return {
        "empty": b"",
        "no-items": b"[]",
        "mark": b"\xef\xbb\xbf[" + GOOD + b"]",
        "cut": b"[" + GOOD + b", {",
        "open": b"[" + GOOD,
        "comma": b"[" + GOOD + b",]",
        "behind": b"[" + GOOD + b"] x",
        "object": b'{\n "data": [' + GOOD + b"]}",
        "text": b'"a"',
        "deep": b"[" * 5_000,
        "mixed": b"[1, null, [], " + GOOD + b"]",
        "latin1": b'[{"a": "\xfc"}]',
        "long-integer": b'[{"a": 123456789012345678901}, {"a": "123456789012345678901"}]',
    }


def delimited():
    return {
        "empty": b"",
        "header": b"a,b\n",
        "mark": b"\xef\xbb\xbfa,b\n1,2\n",
        "returns": b"a,b\r1,2\r3,4",
        "open-quote": b'a,b\n1,"2\n3,4\n',
        "stray-quote": b'a,b\n1,2"3\n"4"5,6\n',
        "twice": b"a,a\n1,2\n",
        "no-names": b",\n1,2\n",
        "few": b"a,b\n1\n1,2,3\n1,2\n",
        "latin1": b"a,b\n\xfc,1\nu,1\n",
        "latin1-header": b"\xfc,b\n1,2\n",
        "nul": b"a,b\n\0,1\n",
        "codes": b"a,b\n007,1e5\n8,-0\n",
        "specials": b"a,b\nnan,inf\nNaN,-inf\n",
        "blank": b"\n\na,b\n\n\n1,2\n\n",
        "huge-cell": b"a,b\n" + b"x" * 20_000 + b",1\n",
    }


def table():
    rows = [{"prompt": "q", "completion": "a", "n": 1}, {"prompt": "r", "completion": "b", "n": None}]
    return pa.Table.from_pylist(rows)


def parquet(folder):
    path = os.path.join(folder, "whole.parquet")
    pa.parquet.write_table(table(), path)
    whole = open(path, "rb").read()
    length = struct.unpack("<I", whole[-8:-4])[0]
    footer = len(whole) - 8 - length

    def with_length(number):
        return whole[:-8] + struct.pack("<I", number) + b"PAR1"

    return {
        "whole": whole,
        "magic": b"PAR1PAR1",
        "magics": b"PAR1" + bytes(8) + b"PAR1",
        "footer-too-long": with_length(0xFFFFFFF0),
        "footer-empty": with_length(0),
        "footer-short": with_length(length - 7),
        "footer-ones": whole[:footer] + b"\xff" * length + whole[-8:],
        "footer-zeros": whole[:footer] + bytes(length) + whole[-8:],
        "pages-zeros": b"PAR1" + bytes(footer - 4) + whole[footer:],
        "pages-ones": b"PAR1" + b"\xff" * (footer - 4) + whole[footer:],
        "pages-missing": b"PAR1" + whole[footer:],
        "encrypted": whole[:-4] + b"PARE",
        "json": GOOD + b"\n",
    }


def arrow(folder):
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table().schema) as writer:
        writer.write_table(table())
    whole = sink.getvalue().to_pybytes()
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table().schema) as writer:
        writer.write_table(table())
    stream = sink.getvalue().to_pybytes()
    runs = pa.RunEndEncodedArray.from_arrays(pa.array([2], pa.int32()), pa.array(["a"]))
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, pa.schema([("runs", runs.type)])) as writer:
        writer.write_table(pa.table({"runs": runs}))
    with_runs = sink.getvalue().to_pybytes()
    schema = 8 + struct.unpack("<I", stream[4:8])[0]
    batch = schema + 8 + struct.unpack("<I", stream[schema + 4 : schema + 8])[0]

    def with_word(data, at, number):
        return data[:at] + struct.pack("<I", number) + data[at + 4 :]

    return {
        "file": whole,
        "stream": stream,
        "empty": b"",
        "magic": b"ARROW1\0\0",
        "magics": b"ARROW1\0\0" + bytes(8) + b"ARROW1",
        "footer-too-long": whole[:-10] + struct.pack("<I", 0x7FFFFFFF) + b"ARROW1",
        "footer-negative": whole[:-10] + struct.pack("<i", -5) + b"ARROW1",
        "footer-zeros": whole[:-200] + bytes(190) + whole[-10:],
        "stream-without-end": stream[:-8],
        "schema-alone": stream[:schema] + b"\xff\xff\xff\xff\0\0\0\0",
        "metadata-too-long": with_word(stream, 4, 0x7FFFFFF0),
        "metadata-ones": stream[:8] + b"\xff" * (schema - 8) + stream[schema:],
        "metadata-zeros": stream[:8] + bytes(schema - 8) + stream[schema:],
        "batch-ones": stream[: schema + 8] + b"\xff" * (batch - schema - 8) + stream[batch:],
        "body-ones": stream[:batch] + b"\xff" * (len(stream) - 8 - batch) + stream[-8:],
        "run-ends": with_runs,
        "json": GOOD + b"\n",
    }


def compressed():
    text = (GOOD + b"\n") * 3
    gz = gzip.compress(text, mtime=0)
    zst = pa.compress(text, codec="zstd", asbytes=True)
    return {
        "whole.jsonl.gz": gz,
        "cut.jsonl.gz": gz[: len(gz) // 2],
        "checksum.jsonl.gz": gz[:-8] + bytes(8),
        "behind.jsonl.gz": gz + b"more",
        "header.jsonl.gz": gz[:10],
        "no-gz.jsonl.gz": text,
        "whole.jsonl.zst": zst,
        "cut.jsonl.zst": zst[: len(zst) // 2],
        "turned.jsonl.zst": zst[:20] + bytes([zst[20] ^ 0xFF]) + zst[21:],
        "header.jsonl.zst": zst[:5],
    }


def main():
    for folder in ["jsonl", "json", "csv", "tsv", "parquet", "arrow", "compressed"]:
        shutil.rmtree(folder, ignore_errors=True)
        os.makedirs(folder)
    files = {f"jsonl/{name}.jsonl": data for name, data in jsonl().items()}
    files |= {f"json/{name}.json": data for name, data in array().items()}
    files |= {f"csv/{name}.csv": data for name, data in delimited().items()}
    files |= {f"tsv/{name}.tsv": data.replace(b",", b"\t") for name, data in delimited().items()}
    files |= {f"parquet/{name}.parquet": data for name, data in parquet("parquet").items()}
    files |= {f"arrow/{name}.arrow": data for name, data in arrow("arrow").items()}
    files |= {f"compressed/{name}": data for name, data in compressed().items()}
    for name, data in files.items():
        with open(name, "wb") as file:
            file.write(data)


main()
