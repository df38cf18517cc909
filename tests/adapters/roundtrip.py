# SPDX-License-Identifier: MIT
"""
roundtrip.py: columns of a tracker go to pyarrow, and pyarrow's to a tracker.

    roundtrip.py ARROW_MODULE.so        (TAP)

The module's values are computed here again, and compared by Arrow's own
functions; the bytes are those of its tracker. Arrays are dropped in other
threads than the one that made them.
"""
import ctypes
import gc
import sys
import threading

import pyarrow as pa
import pyarrow.compute as pc

module = ctypes.CDLL(sys.argv[1])
module.module_bytes.restype = ctypes.c_int64
module.module_close.restype = ctypes.c_int64
ROWS = 10000
number = 0


class Struct:
    """Room for one of the interface's structs: nine or ten words."""

    def __init__(self):
        self.room = (ctypes.c_int64 * 16)()
        self.address = ctypes.addressof(self.room)


def expected(rows):
    days = ['Mo', 'Tu', 'We', 'Th', 'Fr', 'Sa', 'Su']
    return {
        'number': [None if i % 5 == 3 else i * 7919 % 10007 - 5000
                   for i in range(rows)],
        'text': [f'row {i}' if i % 7 else None for i in range(rows)],
        'day': [days[i % 7] for i in range(rows)],
    }


def table(rows=ROWS):
    schema, array = Struct(), Struct()
    result = module.module_table(ctypes.c_int32(rows),
                                 ctypes.c_void_p(schema.address),
                                 ctypes.c_void_p(array.address))
    assert result == 0
    return pa.RecordBatch._import_from_c(array.address, schema.address)


def charged(value):
    """The same array, after a way out and in, charged to the tracker."""
    schema, array = Struct(), Struct()
    value._export_to_c(array.address, schema.address)
    result = module.module_charge(ctypes.c_void_p(schema.address),
                                  ctypes.c_void_p(array.address))
    assert result == 0, f'{value.type} is refused'
    return pa.Array._import_from_c(array.address, schema.address)


def in_bytes():
    gc.collect()
    return module.module_bytes()


def same(a, b):
    assert a == b, f'{a} is not {b}'


def in_threads(count, run):
    """Each as run(number); an exception in one is one here."""
    wrong = []

    def guarded(i):
        try:
            run(i)
        except BaseException as error:
            wrong.append(error)

    threads = [threading.Thread(target=guarded, args=(i,))
               for i in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if wrong:
        raise wrong[0]


# ---- Tests ----

def values_are_equal():
    batch = table()
    batch.validate(full=True)
    same(batch.to_pydict(), expected(ROWS))
    same(pc.sum(batch['number']).as_py(),
         sum(n for n in expected(ROWS)['number'] if n is not None))
    same(batch['number'].null_count, ROWS // 5)
    assert module.module_bytes() >= batch.get_total_buffer_size()
    assert module.module_bytes() < 3 * batch.get_total_buffer_size()
    del batch
    same(in_bytes(), 0)


def small_tables_too():
    for rows in (0, 1, 7, 8, 9, 64, 65):
        batch = table(rows)
        batch.validate(full=True)
        same(batch.to_pydict(), expected(rows))
        del batch
        same(in_bytes(), 0)


def buffers_are_aligned():
    batch = table()
    for column in batch.columns:
        for buffer in column.buffers():
            same(buffer.address % 64, 0)


def another_thread_releases():
    held = [table() for _ in range(8)]
    each = module.module_bytes() // 8

    def drop(i):
        same(held[i].column('text')[1].as_py(), 'row 1')
        held[i] = None

    in_threads(7, drop)
    same(in_bytes(), each)
    in_threads(1, lambda _: drop(7))
    same(in_bytes(), 0)


def threads_make_and_release():
    def work(_):
        for _ in range(20):
            same(table(300).to_pydict(), expected(300))

    in_threads(6, work)
    same(in_bytes(), 0)


def a_column_holds_what_it_needs():
    batch = table()
    all_of_it = module.module_bytes()
    column = batch.column('number').slice(10, 100)
    del batch
    gc.collect()
    assert 0 < module.module_bytes() <= all_of_it
    same(column.to_pylist(), expected(ROWS)['number'][10:110])
    del column
    same(in_bytes(), 0)


def arrays():
    """Of every layout; with nulls, with offsets, empty."""
    ints = pa.array([1, None, 3, 4] * 50, pa.int32())
    text = pa.array(['a', None, 'bcd', 'ef' * 30] * 50)
    for simple in (pa.int8(), pa.uint16(), pa.int64(), pa.float32(),
                   pa.float64(), pa.bool_(), pa.decimal128(20, 2),
                   pa.decimal256(40, 2)):
        yield ints.cast(simple)
    for time in (pa.date32(), pa.time32('s')):
        yield pa.array([1, None, 3] * 9, pa.int32()).cast(time)
    for time in (pa.date64(), pa.time64('us'), pa.timestamp('ns', 'UTC'),
                 pa.duration('ms')):
        yield pa.array([86400000, None] * 9, pa.int64()).cast(time)
    yield pa.array([pa.MonthDayNano([1, 2, 3])] * 5)
    yield pa.nulls(10)
    yield text
    yield text.cast(pa.large_string())
    yield text.cast(pa.binary())
    yield text.cast(pa.large_binary())
    yield text.cast(pa.string_view())
    yield text.dictionary_encode()
    yield pa.array([b'abc', None, b'def'] * 5, pa.binary(3))
    lists = [[1, 2], None, [], [3, 4, 5]] * 20
    for kind in (pa.list_, pa.large_list, pa.list_view, pa.large_list_view):
        yield pa.array(lists, kind(pa.int16()))
    yield pa.array([[1, 2], None, [3, 4]], pa.list_(pa.int8(), 2))
    yield pa.array([{'x': 1, 'y': 'two'}, None] * 8)
    yield pa.array([[('k', 1)], [], None], pa.map_(pa.string(), pa.int8()))
    yield pa.RunEndEncodedArray.from_arrays(
        pa.array([3, 5], pa.int32()), pa.array([1, 2]))
    types = pa.array([0, 1, 0], pa.int8())
    yield pa.UnionArray.from_sparse(
        types, [pa.array([1, 2, 3]), pa.array(['a', 'b', 'c'])])
    yield pa.UnionArray.from_dense(
        types, pa.array([0, 0, 1], pa.int32()),
        [pa.array([1, 2]), pa.array(['a'])])


def charged_is_what_arrow_says():
    count = 0
    for whole in arrays():
        for value in (whole, whole.slice(1), whole.slice(0, 0),
                      whole.slice(2, 0)):
            back = charged(value)
            # Arrow 21 calls views bad that it imported so itself.
            if len(value) or not value.offset:
                back.validate(full=True)
            assert back.equals(value), f'{value.type}: other values'
            bytes_here, bytes_there = (module.module_bytes(),
                                       back.get_total_buffer_size())
            assert bytes_here == bytes_there, (
                f'{value.type}, {len(value)} values from {value.offset}: '
                f'{bytes_here} bytes, Arrow says {bytes_there}')
            del back
            same(in_bytes(), 0)
            count += 1
    assert count >= 120, f'only {count} arrays'


def another_thread_releases_what_is_charged():
    value = pa.array([{'x': i, 'y': str(i)} for i in range(1000)])
    held = [charged(value) for _ in range(6)]
    same(module.module_bytes(), 6 * held[0].get_total_buffer_size())
    field = held[0].field('y')

    def drop(i):
        held[i] = None

    in_threads(6, drop)
    assert module.module_bytes() > 0
    same(field[999].as_py(), '999')
    del field
    same(in_bytes(), 0)


def nothing_is_left():
    same(module.module_close(), 0)


def run(test):
    global number
    number += 1
    try:
        test()
        print(f'ok {number} - {test.__name__}', flush=True)
        return True
    except BaseException as error:
        print(f'not ok {number} - {test.__name__}')
        print(f'# {type(error).__name__}: {error}', flush=True)
        return False


def main():
    tests = [values_are_equal, small_tables_too, buffers_are_aligned,
             another_thread_releases, threads_make_and_release,
             a_column_holds_what_it_needs, charged_is_what_arrow_says,
             another_thread_releases_what_is_charged]
    print(f'1..{len(tests) + 1}', flush=True)
    if module.module_open() != 0:
        sys.exit('no tracker')
    good = [run(test) for test in tests]
    gc.collect()
    good.append(run(nothing_is_left))
    return 0 if all(good) else 1


sys.exit(main())
