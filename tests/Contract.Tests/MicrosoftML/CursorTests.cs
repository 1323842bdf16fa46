using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class CursorTests
{
    private readonly MLContext _ml = new(1);

    /// <summary>Views of six rows whose column A is 0 … 5 in order, by every kind of view here.</summary>
    private IEnumerable<IDataView> Views()
    {
        var data = Sample.View(_ml);
        yield return data;
        yield return _ml.Data.Cache(data);
        yield return _ml.Data.TakeRows(_ml.Data.LoadFromEnumerable(Sample.Rows(9)), 6);
        yield return _ml.Transforms.CopyColumns("Copy", "A").Fit(data).Transform(data);
        yield return _ml.Transforms.Concatenate("Both", "A", "F").Fit(data).Transform(data);
        yield return _ml.Transforms.SelectColumns("A", "F").Fit(data).Transform(data);
        yield return _ml.Data.FilterByCustomPredicate<Sample>(_ml.Data.LoadFromEnumerable(Sample.Rows(9)), row => row.A > 5);
        yield return _ml.Transforms.CustomMapping<Sample, Twice>((from, to) => to.Double = 2 * from.A, null).Fit(data).Transform(data);
    }

    private sealed class Twice { public float Double { get; set; } }

    [Fact]
    public void Positions_run_from_minus_one_over_the_rows_and_back()
    {
        foreach (var view in Views())
        {
            using var cursor = view.GetRowCursor(view.Schema);
            Assert.Equal(-1, cursor.Position);
            var get = cursor.GetGetter<float>(view.Schema["A"]);
            for (int i = 0; i < 6; i++)
            {
                Assert.True(cursor.MoveNext());
                Assert.Equal(i, cursor.Position);
                float value = -1;
                get(ref value);
                Assert.Equal(i, value);
                get(ref value);
                Assert.Equal(i, value);
            }
            Assert.False(cursor.MoveNext());
            Assert.Equal(-1, cursor.Position);
            Assert.False(cursor.MoveNext());
        }
    }

    [Fact]
    public void Only_columns_asked_for_are_active()
    {
        // The last two read A for their own delegates.
        foreach (var view in Views().SkipLast(2))
        {
            using var cursor = view.GetRowCursor([view.Schema["F"]]);
            Assert.True(cursor.IsColumnActive(view.Schema["F"]));
            Assert.False(cursor.IsColumnActive(view.Schema["A"]));
            Assert.True(Record.Exception(() =>
                cursor.GetGetter<float>(view.Schema["A"])) is ArgumentException or InvalidOperationException);
            Assert.True(cursor.MoveNext());
            VBuffer<float> row = default;
            cursor.GetGetter<VBuffer<float>>(view.Schema["F"])(ref row);
            Assert.Equal([0, 0, 0], row.DenseValues());
        }
    }

    [Fact]
    public void A_getter_of_another_type_is_refused()
    {
        foreach (var view in Views())
        {
            using var cursor = view.GetRowCursor(view.Schema);
            Assert.ThrowsAny<InvalidOperationException>(() => cursor.GetGetter<double>(view.Schema["A"]));
        }
    }

    [Fact]
    public void A_rows_identity_survives_transforms_and_repeats()
    {
        foreach (var view in Views())
        {
            Assert.Equal(Ids(view), Ids(view));
            Assert.Equal(6, Ids(view).Distinct().Count());
        }
        var data = Sample.View(_ml);
        Assert.Equal(Ids(data), Ids(_ml.Transforms.CopyColumns("Copy", "A").Fit(data).Transform(data)));
        Assert.Equal(Ids(data).Skip(2), Ids(_ml.Data.SkipRows(data, 2)));
    }

    [Fact]
    public void Several_cursors_are_independent()
    {
        foreach (var view in Views())
        {
            using var first = view.GetRowCursor(view.Schema);
            using var second = view.GetRowCursor(view.Schema);
            first.MoveNext();
            first.MoveNext();
            second.MoveNext();
            float a = 0, b = 0;
            first.GetGetter<float>(view.Schema["A"])(ref a);
            second.GetGetter<float>(view.Schema["A"])(ref b);
            Assert.Equal(1, a);
            Assert.Equal(0, b);
        }
    }

    [Fact]
    public void A_cursor_set_covers_every_row_once_in_growing_batches()
    {
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Sample.Rows(1000)));
        foreach (var view in new[] { cache, _ml.Transforms.CopyColumns("Copy", "A").Fit(cache).Transform(cache), Sample.View(_ml, 1000) })
        {
            var cursors = view.GetRowCursorSet(view.Schema, 3);
            var seen = new List<float>();
            foreach (var cursor in cursors)
            {
                using (cursor)
                {
                    var get = cursor.GetGetter<float>(view.Schema["A"]);
                    long batch = -1;
                    float value = 0;
                    while (cursor.MoveNext())
                    {
                        Assert.True(cursor.Batch >= batch);
                        batch = cursor.Batch;
                        get(ref value);
                        seen.Add(value);
                    }
                }
            }
            Assert.Equal(Enumerable.Range(0, 1000).Select(i => (float)i), seen.Order());
        }
        Assert.Equal(3, cache.GetRowCursorSet(cache.Schema, 3).Length);
    }

    private static List<DataViewRowId> Ids(IDataView view)
    {
        var ids = new List<DataViewRowId>();
        using var cursor = view.GetRowCursor([]);
        var get = cursor.GetIdGetter();
        DataViewRowId id = default;
        while (cursor.MoveNext())
        {
            get(ref id);
            ids.Add(id);
        }
        return ids;
    }
}
