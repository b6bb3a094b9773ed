"""CSV files: parsing against Python's own csv, values against hand-written ones, and every refusal."""

import csv as python_csv
import io
import math
import os
import zipfile

import numpy as np
import pytest

from jtf import data

#: More characters than any way of reading that is not linear would end with.
MANY = 1_000_000


@pytest.fixture
def large_fields():
    before = python_csv.field_size_limit(2 * MANY)
    yield
    python_csv.field_size_limit(before)


def of(text, **options):
    return data.csv(io.StringIO(text), **options)


class TestParsing:
    def test_random_texts_come_back_as_they_were_written(self, tmp_path):
        rng = np.random.default_rng(0)
        letters = list('ab,"\n\r; \té🙂0')
        for trial in range(60):
            width = int(rng.integers(1, 5))
            rows = [
                ["x" + "".join(rng.choice(letters, rng.integers(0, 6))) for _ in range(width)]
                for _ in range(int(rng.integers(1, 8)))
            ]
            buffer = io.StringIO(newline="")
            style = {"lineterminator": "\r\n"} if trial % 2 else {"quoting": python_csv.QUOTE_ALL}
            python_csv.writer(buffer, **style).writerows([[f"c{i}" for i in range(width)], *rows])
            path = tmp_path / "rows.csv"
            path.write_bytes(buffer.getvalue().encode())
            assert [list(element.values()) for element in data.csv(path)] == rows

    def test_quoted_fields_with_line_ends_and_quotes(self):
        ds = of('a,b\n"one\ntwo","say ""hi"""\n3,"4"\n')
        assert ds.to_array() == [{"a": "one\ntwo", "b": 'say "hi"'}, {"a": 3.0, "b": 4.0}]

    def test_byte_order_mark_and_windows_line_ends(self, tmp_path):
        path = tmp_path / "bom.csv"
        path.write_bytes(b'\xef\xbb\xbf"a",b\r\n1,2\r\n')
        assert data.csv(path).to_array() == [{"a": 1.0, "b": 2.0}]
        assert of("\ufeffa,b\r\n1,2\r\n").column_names == ["a", "b"]

    def test_blank_lines_are_left_out(self):
        assert of("a\n\n1\n\n\n2\n\n").to_array() == [{"a": 1.0}, {"a": 2.0}]

    def test_a_header_alone_has_no_rows(self):
        ds = of("a,b\n")
        assert ds.to_array() == []
        assert ds.column_names == ["a", "b"]

    @pytest.mark.parametrize(
        "text",
        ["a b\n1 2\n", "  a\tb \n\t1   2  \n\n", '"a" b\r\n"1"\t\t2\r\n'],
        ids=["one", "runs", "quotes"],
    )
    def test_whitespace(self, text):
        assert of(text, delim_whitespace=True).to_array() == [{"a": 1.0, "b": 2.0}]

    def test_whitespace_in_quotes(self):
        assert of('a b\n"x  y" "p""q"\n', delim_whitespace=True).to_array() == [{"a": "x  y", "b": 'p"q'}]


class TestValues:
    def test_what_reads_as_a_number(self):
        texts = ["1", "-2.5", "+.5", "5.", "1e3", " 7 ", "0x1F", "0b101", "0o17", "Infinity", "1e999"]
        texts += ["1_000", "nan", "inf", "1,5", "0x", "e5", ".", "-", "--1", "1 2", "٣", "0x" + "f" * 300]
        text = "a;b\n" + "".join(f"{t};0\n" for t in texts)
        found = [element["a"] for element in of(text, delimiter=";")]
        numbers = [1, -2.5, 0.5, 5, 1000, 7, 31, 5, 15, math.inf, math.inf]
        assert found == numbers + texts[len(numbers) :]
        assert all(isinstance(value, float) for value in found[: len(numbers)])

    def test_dtypes(self):
        configs = {
            "i": {"dtype": "int32"},
            "f": {"dtype": "float32"},
            "s": {"dtype": "string"},
            "b": {"dtype": "bool"},
        }
        first, second = of("i,f,s,b\n-1.5,nan,007,TRUE\n2,-Inf,x,no\n", column_configs=configs)
        assert (first["i"], first["s"], first["b"]) == (-2, "007", True)
        assert math.isnan(first["f"])
        assert second == {"i": 2, "f": -math.inf, "s": "x", "b": False}
        assert [type(v) for v in second.values()] == [int, float, str, bool]

    def test_batches_have_the_dtypes(self):
        configs = {"i": {"dtype": "int32"}, "b": {"dtype": "bool"}, "y": {"isLabel": True}}
        (batch,) = of("i,b,s,y\n1,1,p,0.5\n2,0,q,1\n", column_configs=configs).batch(2)
        assert {k: v.dtype.kind for k, v in batch["xs"].items()} == {"i": "i", "b": "b", "s": "U"}
        assert batch["ys"]["y"].dtype == np.float32

    def test_a_default_without_a_dtype_is_a_number_like_the_others(self):
        rows = of("a\n1\n \n2.5\n", column_configs={"a": {"default": 0}}).to_array()
        assert [(row["a"], type(row["a"])) for row in rows] == [(1.0, float), (0.0, float), (2.5, float)]
        (batch,) = of("a\n \n1\n", column_configs={"a": {"default": 0}}).batch(2)
        assert batch["a"].dtype == np.float32

    def test_defaults_of_numpy(self):
        config = {
            "i": {"dtype": "int32", "default": np.int64(7)},
            "f": {"dtype": "float32", "default": np.float32(0.5)},
            "b": {"dtype": "bool", "default": np.bool_(True)},
            "j": {"dtype": "int32", "default": True},
        }
        (row,) = of("i,f,b,j\n,,,\n", column_configs=config)
        assert list(map(repr, row.values())) == ["7", "0.5", "True", "1"]

    @pytest.mark.parametrize("whitespace", [False, True])
    @pytest.mark.parametrize("field", ["1" * MANY + "x", "." + "1" * MANY + "x", "1e" + "1" * MANY + "x"])
    def test_a_long_field_that_is_no_number_is_read_in_one_go(self, field, whitespace, large_fields):
        # Reading it digit by digit, as many times as there are digits, would take hours.
        assert of(f"a\n{field}\n", delim_whitespace=whitespace).to_array() == [{"a": field}]
        with pytest.raises(ValueError, match=r"line 2: column 'a' should hold float32, but the field is '[.1e]{50,56}"):
            of(f"a\n{field}\n", delim_whitespace=whitespace, column_configs={"a": {"dtype": "float32"}}).to_array()

    @pytest.mark.parametrize("text", ['"' * MANY + "x", '"a' * MANY, '"x"" ' * MANY + '"x', '"' + "1 " * MANY])
    def test_long_quotes_between_whitespace_are_read_in_one_go(self, text):
        with pytest.raises(ValueError, match=r"line 2: (a quote is not closed|expected 1 fields)"):
            of(f"a\n{text}\n", delim_whitespace=True).to_array()

    def test_a_field_longer_than_pythons_csv_reads(self):
        with pytest.raises(ValueError, match=r"line 2: a field has more than [\d,]+ characters. Is a quote left open"):
            of("a\n" + "1" * (python_csv.field_size_limit() + 1) + "\n").to_array()

    def test_empty_fields(self):
        configs = {
            "i": {"dtype": "int32", "default": -1},
            "f": {"dtype": "float32", "default": 3},
            "b": {"dtype": "bool", "default": 1},
            "s": {"dtype": "string"},
            "y": {"is_label": True, "default": "none"},
        }
        (element,) = of("i,f,b,s,y,n\n,  ,,,,\n", column_configs=configs)
        assert element["xs"].pop("n") is not None
        assert element == {"xs": {"i": -1, "f": 3.0, "b": True, "s": ""}, "ys": {"y": "none"}}
        assert [type(v) for v in element["xs"].values()] == [int, float, bool, str]
        assert math.isnan(of("a,b\n,1\n").to_array()[0]["a"])

    def test_columns(self):
        configs = {"c": {"is_label": True}, "a": {}}
        ds = of("a,b,c\n1,2,3\n", column_configs=configs, configured_columns_only=True)
        assert ds.column_names == ["a", "c"]
        assert ds.to_array() == [{"xs": {"a": 1.0}, "ys": {"c": 3.0}}]
        assert of("1,2\n", has_header=False, column_names=("p", "q")).to_array() == [{"p": 1.0, "q": 2.0}]
        assert of("a,b\n1,2\n", column_names=["p", "q"]).to_array() == [{"p": 1.0, "q": 2.0}]


class TestSources:
    TEXT = "a,b\n1,x\n2,é\n"
    ROWS = ({"a": 1.0, "b": "x"}, {"a": 2.0, "b": "é"})

    @pytest.mark.parametrize("kind", ["str", "path", "url", "text file", "binary file", "StringIO", "BytesIO"])
    def test_every_pass_begins_at_the_beginning(self, kind, tmp_path):
        path = tmp_path / "some data.csv"
        path.write_text(self.TEXT, encoding="utf-8")
        make = {
            "str": lambda: str(path),
            "path": lambda: path,
            "url": path.as_uri,
            "text file": lambda: path.open(encoding="utf-8"),
            "binary file": lambda: path.open("rb"),
            "StringIO": lambda: io.StringIO(self.TEXT),
            "BytesIO": lambda: io.BytesIO(self.TEXT.encode()),
        }
        source = make[kind]()
        ds = data.csv(source)
        assert tuple(ds) == self.ROWS
        assert next(iter(ds)) == self.ROWS[0]
        assert tuple(ds) == self.ROWS
        assert ds.size is None
        if hasattr(source, "close"):
            source.close()

    def test_a_file_object_begins_where_it_stands(self):
        file = io.StringIO("# a remark\na\n1\n")
        file.readline()
        ds = data.csv(file)
        assert list(ds) == list(ds) == [{"a": 1.0}]

    @pytest.mark.parametrize("header", [True, False])
    def test_a_stream_is_good_for_one_pass(self, header):
        reading, writing = os.pipe()
        os.write(writing, (self.TEXT if header else self.TEXT[4:]).encode())
        os.close(writing)
        with open(reading, "rb") as stream:
            ds = data.csv(stream, has_header=header, column_names=None if header else ["a", "b"])
            assert ds.column_names == ["a", "b"]
            assert tuple(ds) == self.ROWS
            with pytest.raises(ValueError, match=r"cannot be rewound, so it is good for one pass. Pass a path"):
                list(ds)

    def test_a_member_of_a_zip_file(self, tmp_path):
        with zipfile.ZipFile(tmp_path / "d.zip", "w") as archive:
            archive.writestr("d.csv", self.TEXT)
        with zipfile.ZipFile(tmp_path / "d.zip") as archive, archive.open("d.csv") as file:
            assert tuple(data.csv(file)) == self.ROWS

    def test_two_passes_at_a_time(self, tmp_path):
        path = tmp_path / "d.csv"
        path.write_text(self.TEXT)
        by_path = data.csv(path)
        assert list(zip(by_path, by_path, strict=True)) == [(row, row) for row in self.ROWS]
        by_file = of(self.TEXT)
        with pytest.raises(ValueError, match=r"Two passes over .* ran at a time.*Pass the file's path"):
            list(zip(by_file, by_file, strict=True))

    def test_a_pass_that_is_left_closes_its_file(self, tmp_path):
        path = tmp_path / "d.csv"
        path.write_text(self.TEXT * 100)
        for _ in data.csv(path).take(1):
            pass
        path.unlink()  # and pytest makes an error of a file that was left open


def refusals():
    label, number = {"is_label": True}, {"dtype": "float32"}
    return [
        # the options
        ("a\n", {"delimiter": ";;"}, ValueError, "one character, but it is ';;'.*delim_whitespace=True"),
        ("a\n", {"delimiter": '"'}, ValueError, "one character, but it is '\"'"),
        (
            "a\n",
            {"delimiter": ";", "delim_whitespace": True},
            ValueError,
            "needs no delimiter, but delimiter is ';'",
        ),
        ("a\n", {"configured_columns_only": True}, ValueError, "leaves no column. Name those you want"),
        ("1\n", {"has_header": False}, ValueError, r"need names. Pass column_names=\[\.\.\.\]"),
        ("a\n", {"column_names": "a"}, TypeError, "a list of names, but it is the string 'a'"),
        (
            "a\n",
            {"column_configs": {"a": "int32"}},
            TypeError,
            r"column_configs\['a'\] must be a dict.*'int32'",
        ),
        (
            "a\n",
            {"column_configs": {"a": {"is_lable": True}}},
            ValueError,
            "unknown key 'is_lable'. Did you mean 'is_label'",
        ),
        (
            "a\n",
            {"column_configs": {"a": {"dtype": "float"}}},
            ValueError,
            "unknown dtype 'float'. Did you mean 'float32'",
        ),
        (
            "a\n",
            {"column_configs": {"a": {"dtype": "int32", "default": 0.5}}},
            ValueError,
            "default is 0.5, a float",
        ),
        (
            "a\n",
            {"column_configs": {"a": {"dtype": "string", "default": 0}}},
            ValueError,
            "default is 0, a int",
        ),
        # the header
        ("", {}, ValueError, "<StringIO> is empty. Expected a header"),
        ("\n\n", {"has_header": False, "column_names": ["a"]}, ValueError, "is empty. Expected rows of data"),
        (
            "a,b,a\n",
            {},
            ValueError,
            "more than one column named 'a'.*has_header=False if the first row is data",
        ),
        ("a,b\n", {"column_names": ["p", "p"]}, ValueError, "more than one column named 'p'"),
        ("a,b\n", {"column_names": ["p"]}, ValueError, "has 1 names, but the header of .* has 2 fields"),
        (
            "1,2\n",
            {"has_header": False, "column_names": ["p"]},
            ValueError,
            "the first row of .* has 2 fields",
        ),
        (
            "size,b\n",
            {"column_configs": {"siez": {}}},
            ValueError,
            "'siez', which .* lacks. Did you mean 'size'.*size, b",
        ),
        # the rows
        ("a,b\n1,2\n3\n", {}, ValueError, 'line 3: expected 2 fields, found 1.*in "quotes"'),
        ("a,b\n1,2,3\n", {}, ValueError, "line 2: expected 2 fields, found 3"),
        ('a,b\n"1\n2",3\n4\n', {}, ValueError, "line 4: expected 2 fields, found 1"),
        (
            'a,b\n1,2\n"3,4\n5,6\n',
            {},
            ValueError,
            "line 3: this row is no valid CSV .*unexpected end.*Look at its quotes",
        ),
        ('a,b\n"1"x,2\n', {}, ValueError, "line 2: this row is no valid CSV"),
        ('a b\n1 "x y\n', {"delim_whitespace": True}, ValueError, 'line 2: a quote is not closed.*"x'),
        # the fields
        (
            "a,b\n1,2\nx,3\n",
            {"column_configs": {"a": number}},
            ValueError,
            "line 3: column 'a' should hold float32, but the field is 'x'",
        ),
        (
            "a\n1\n1_0\n",
            {"column_configs": {"a": {"dtype": "int32"}}},
            ValueError,
            "should hold int32.*'1_0'",
        ),
        ("a\n3e9\n", {"column_configs": {"a": {"dtype": "int32"}}}, ValueError, "should hold int32.*'3e9'"),
        (
            "a\nInfinity\n",
            {"column_configs": {"a": {"dtype": "int32"}}},
            ValueError,
            "should hold int32.*Infinity",
        ),
        (
            "a,b\n1,\n",
            {"column_configs": {"b": label}},
            ValueError,
            "line 2: column 'b' is the label, but its field is empty",
        ),
        (
            "a,b\n1, \n",
            {"column_configs": {"b": {"required": True}}},
            ValueError,
            "column 'b' is required.*give the column a default",
        ),
        (
            "a,b\n1,\n",
            {"column_configs": {"b": {"dtype": "int32"}}},
            ValueError,
            "no value for an empty field. Give the column a default",
        ),
        (
            "a,b\n1,\n",
            {"column_configs": {"b": {"dtype": "bool"}}},
            ValueError,
            "column 'b' is bool, which has no value",
        ),
    ]


@pytest.mark.parametrize(("text", "options", "error", "message"), refusals())
def test_refusals(text, options, error, message):
    with pytest.raises(error, match=message):
        of(text, **options).to_array()


def test_a_bad_row_names_the_file_and_comes_only_when_it_is_reached(tmp_path):
    path = tmp_path / "houses.csv"
    path.write_text("a\n1\n2,3\n")
    ds = data.csv(path)
    assert ds.take(1).to_array() == [{"a": 1.0}]
    with pytest.raises(ValueError, match=r"houses\.csv, line 3: expected 1 fields, found 2"):
        ds.to_array()


def test_text_that_is_not_utf8(tmp_path):
    path = tmp_path / "old.csv"
    path.write_bytes("a,b\n1,2\nxé,3\n".encode("latin-1"))
    with pytest.raises(
        ValueError, match=r'old\.csv, line 3: .*not UTF-8 \(byte 0xe9 at position 1\).*encoding="latin-1"'
    ):
        data.csv(path).to_array()
    with open(path, encoding="latin-1", newline="") as file:
        assert data.csv(file).to_array()[1] == {"a": "xé", "b": 3.0}
    path.write_text("a\n1\n", encoding="utf-16")
    with pytest.raises(ValueError, match=r"line 1: .*not UTF-8"):
        data.csv(path)


@pytest.mark.parametrize(
    ("source", "error", "message"),
    [
        ("no/such/file.csv", FileNotFoundError, "no/such/file.csv"),
        (
            "https://example.com/a.csv",
            ValueError,
            r"reads local files, but received 'https.*urllib.request.urlopen",
        ),
        ("a,b\n1,2\n", ValueError, r"received text. Wrap it: io.StringIO\(text\)"),
        ([[1, 2]], TypeError, r"file object, but received list.*jtf.data.array\(rows\)"),
        (None, TypeError, "received NoneType"),
    ],
)
def test_wrong_sources(source, error, message):
    with pytest.raises(error, match=message):
        data.csv(source)
