using Ard.MLNet.Scoring;
using Ard.Tests;

namespace Ard.MLNet.Tests.Scoring;

public sealed class CursorTests
{
    private readonly MLContext ml = new MLContext(1);

    // 10 rows in batches of 4: two full ones and one that is not.
    private IDataView Scored => Tiny.Classifier.Transform(Tiny.Glyphs(ml, 10));

    [Fact]
    public void Any_set_of_active_columns_gives_the_same_values()
    {
        var view = Scored;
        var all = Values(view, [.. view.Schema]);
        var sets = new List<DataViewSchema.Column[]>
        {
            view.Schema.Where(column => column.Index % 2 == 0).ToArray(),
            view.Schema.Where(column => column.Index % 2 == 1).ToArray(),
            Array.Empty<DataViewSchema.Column>(),
        };
        sets.AddRange(view.Schema.Select(column => new[] { column }));

        foreach (var set in sets)
        {
            var some = Values(view, set);
            Assert.Equal(10, some.Count);
            for (var row = 0; row < 10; row++)
                foreach (var column in set) Assert.Equal(all[row][column.Index], some[row][column.Index]);
        }
    }

    [Fact]
    public void Position_and_id_are_those_of_the_rows_and_a_finished_cursor_is_off_the_rows()
    {
        var view = Scored;
        using var cursor = view.GetRowCursor([view.Schema["Score"]]);
        var get = cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]);
        var getId = cursor.GetIdGetter();
        VBuffer<float> scores = default;
        DataViewRowId id = default;

        Assert.Equal(-1, cursor.Position);
        Assert.Throws<InvalidOperationException>(() => get(ref scores));
        for (var row = 0; row < 10; row++)
        {
            Assert.True(cursor.MoveNext());
            Assert.Equal(row, cursor.Position);
            getId(ref id);
            Assert.Equal(new DataViewRowId((ulong)row, 0), id);
        }
        Assert.False(cursor.MoveNext());
        Assert.Equal(-1, cursor.Position);
        Assert.False(cursor.MoveNext());
        Assert.Throws<InvalidOperationException>(() => get(ref scores));
    }

    [Fact]
    public void Columns_that_were_not_asked_for_and_getters_of_another_type_are_refused()
    {
        var view = Scored;
        using var cursor = view.GetRowCursor([view.Schema["Score"]]);

        Assert.True(cursor.IsColumnActive(view.Schema["Score"]));
        Assert.False(cursor.IsColumnActive(view.Schema["PredictedLabel"]));
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<uint>(view.Schema["PredictedLabel"]));
        Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<VBuffer<float>>(view.Schema["Features"]));
        var fault = Assert.Throws<InvalidOperationException>(() => cursor.GetGetter<float>(view.Schema["Score"]));
        Assert.Contains("Invalid TValue in GetGetter for column 'Score': 'System.Single'", fault.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Nothing_is_scored_when_neither_score_nor_prediction_is_asked_for()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 10);
        var model = new ArdTrainer(ml, Tiny.Natural()).Fit(data);
        var view = model.Transform(data);
        model.Dispose();

        Assert.Equal(10, Tiny.Vectors(view, "Features").Count);
        Assert.Throws<ObjectDisposedException>(() => Tiny.Vectors(view, "Score"));
        Assert.Throws<ObjectDisposedException>(() => Tiny.Column<uint>(view, "PredictedLabel"));
        model.Dispose();
    }

    [Fact]
    public void Disposal_waits_for_those_who_are_scoring_and_refuses_those_who_come_later()
    {
        var ml = new MLContext(1);
        var data = ml.Data.Cache(Tiny.Glyphs(ml, 40));
        var model = new ArdTrainer(ml, Tiny.Natural()).Fit(data);
        var expected = Tiny.Vectors(model.Transform(data), "Score");
        using var under = new CountdownEvent(4);
        var threads = Enumerable.Range(0, 4).Select(_ => Task.Run(() =>
        {
            var scored = 0;
            try
            {
                for (; ; scored++)
                {
                    Assert.Equal(expected, Tiny.Vectors(model.Transform(data), "Score"));
                    if (scored == 2) under.Signal();
                }
            }
            catch (ObjectDisposedException)
            {
                return scored;
            }
        })).ToArray();
        under.Wait();
        model.Dispose();
        Assert.All(threads, thread => Assert.True(thread.Result >= 3));
        Assert.Throws<ObjectDisposedException>(() => model.Model);
        Assert.Throws<ObjectDisposedException>(() => ml.MulticlassClassification.EvaluateRobustness(model, data));
        Assert.Throws<ObjectDisposedException>(() => ml.Model.Save(model, data.Schema, new MemoryStream()));
    }

    [Fact]
    public void A_large_batch_takes_no_more_memory_than_the_rows_there_are()
    {
        var ml = new MLContext(1);
        var data = Tiny.Glyphs(ml, 20);
        using var model = new ArdTrainer(ml, Tiny.Natural() with { ScoringBatchSize = 65536 }).Fit(data);
        var view = model.Transform(data);
        Assert.Equal(20, Tiny.Vectors(view, "Score").Count);
        var before = GC.GetAllocatedBytesForCurrentThread();
        view.GetRowCursor(view.Schema).Dispose();
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 500_000);
        var fault = Assert.Throws<ArgumentException>(() => new ArdTrainer(ml, Tiny.Natural() with { ScoringBatchSize = 65537 }));
        Assert.Contains("ScoringBatchSize is 65537, expected 1 to 65536", fault.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(6)]
    public void After_a_bad_row_no_row_has_the_scores_of_another(int bad)
    {
        var rows = Tiny.Images(ml, 10);
        rows[bad].Features[0] = 2;
        var view = Tiny.Classifier.Transform(ml.Data.LoadFromEnumerable(rows));
        using var cursor = view.GetRowCursor([view.Schema["Score"]]);
        var get = cursor.GetGetter<VBuffer<float>>(view.Schema["Score"]);
        VBuffer<float> scores = default;
        // Four rows are a batch.
        for (var row = 0; row < bad / 4 * 4; row++) Assert.True(cursor.MoveNext());
        Assert.Throws<InvalidOperationException>(() => cursor.MoveNext());
        Assert.Throws<InvalidOperationException>(() => get(ref scores));
        Assert.False(cursor.MoveNext());
        Assert.Equal(-1, cursor.Position);
    }

    [Fact]
    public void A_buffer_holds_no_more_images_than_a_span_can_reach()
    {
        var format = new PixelFormat(3, 224, 224, new()) { Column = NumberDataViewType.Single };
        Assert.Equal(3566, ImageBuffer.MostImages(format));
        Assert.InRange(3566L * format.Size * sizeof(float), int.MaxValue - format.Size * sizeof(float), int.MaxValue);
    }

    [Fact]
    public void Empty_data_has_no_rows_and_the_same_columns()
    {
        var empty = ml.Data.LoadFromEnumerable<Image>([]);
        var view = Tiny.Classifier.Transform(empty);

        Assert.Empty(Tiny.Vectors(view, "Score"));
        Assert.NotNull(view.Schema.GetColumnOrNull("PredictedLabel"));
    }

    [Theory]
    [InlineData(200f)]
    [InlineData(-0.5f)]
    [InlineData(float.NaN)]
    public void A_pixel_outside_0_to_1_is_refused_with_its_row_in_batches_and_row_by_row(float pixel)
    {
        var rows = Tiny.Images(ml, 10);
        rows[6].Features[255] = pixel;
        var view = Tiny.Classifier.Transform(ml.Data.LoadFromEnumerable(rows));
        var fault = Assert.Throws<InvalidOperationException>(() => Tiny.Vectors(view, "Score"));
        Assert.Contains(FormattableString.Invariant($"Row 6, feature column 'Features': expected pixels in [0,1], found {pixel}"),
            fault.Message, StringComparison.Ordinal);

        var engine = ml.Model.CreatePredictionEngine<Image, Prediction>(Tiny.Classifier, inputSchemaDefinition: null);
        Assert.Contains("expected pixels in [0,1]", Assert.ThrowsAny<Exception>(() => engine.Predict(rows[6])).GetBaseException().Message,
            StringComparison.Ordinal);
        Assert.Equal(10, engine.Predict(rows[5]).Score.Length);
    }

    [Fact]
    public void What_rounding_adds_beyond_1_is_cut_off()
    {
        var rows = Tiny.Images(ml, 2);
        rows[0].Features[3] = 1;
        rows[1].Features = [.. rows[0].Features];
        rows[1].Features[3] = MathF.BitIncrement(1);
        var scores = Tiny.Vectors(Tiny.Classifier.Transform(ml.Data.LoadFromEnumerable(rows)), "Score");
        Assert.Equal(scores[0], scores[1]);
    }

    [Fact]
    public void Two_cursors_at_once_do_not_disturb_each_other()
    {
        var view = Scored;
        var expected = Tiny.Vectors(view, "Score");
        var column = view.Schema["Score"];
        using var first = view.GetRowCursor([column]);
        using var second = view.GetRowCursor([column]);
        var (getFirst, getSecond) = (first.GetGetter<VBuffer<float>>(column), second.GetGetter<VBuffer<float>>(column));
        VBuffer<float> scores = default;

        Assert.True(first.MoveNext() && first.MoveNext() && first.MoveNext() && first.MoveNext() && first.MoveNext());
        for (var row = 0; row < 10; row++)
        {
            Assert.True(second.MoveNext());
            getSecond(ref scores);
            Assert.Equal(expected[row], scores.DenseValues());
            getFirst(ref scores);
            Assert.Equal(expected[4], scores.DenseValues());
        }
    }

    [Fact]
    public void A_set_of_cursors_gives_every_row_once()
    {
        var view = Tiny.Classifier.Transform(ml.Data.Cache(Tiny.Glyphs(ml, 200)));
        var expected = Tiny.Vectors(view, "Score");
        var column = view.Schema["Score"];
        var cursors = view.GetRowCursorSet([column], 3);
        var seen = new float[expected.Count][];

        Parallel.ForEach(cursors, cursor =>
        {
            using (cursor)
            {
                var get = cursor.GetGetter<VBuffer<float>>(column);
                var getId = cursor.GetIdGetter();
                VBuffer<float> scores = default;
                DataViewRowId id = default;
                while (cursor.MoveNext())
                {
                    get(ref scores);
                    getId(ref id);
                    Assert.Null(Interlocked.Exchange(ref seen[(int)id.Low], scores.DenseValues().ToArray()));
                }
            }
        });

        // Other rows share the batches, so the last bits may differ.
        for (var row = 0; row < expected.Count; row++) Close(expected[row], seen[row]);
    }

    [Fact]
    public void Several_threads_may_use_one_classifier()
    {
        var view = Scored;
        var expected = Tiny.Vectors(view, "Score");

        Parallel.For(0, 8, _ => Assert.Equal(expected, Tiny.Vectors(Scored, "Score")));
    }

    [Fact]
    public void Rows_one_by_one_have_the_scores_of_the_batches()
    {
        var data = Tiny.Glyphs(ml, 10);
        var expected = Tiny.Vectors(Tiny.Classifier.Transform(data), "Score");
        var predicted = Tiny.Column<uint>(Tiny.Classifier.Transform(data), "PredictedLabel");
        var engine = ml.Model.CreatePredictionEngine<Image, Prediction>(Tiny.Classifier, inputSchemaDefinition: null);
        var rows = Tiny.Images(ml, 10);

        for (var row = 0; row < rows.Length; row++)
        {
            var prediction = engine.Predict(rows[row]);
            Close(expected[row], prediction.Score);
            Assert.Equal(predicted[row], prediction.PredictedLabel);
        }
    }

    [Fact]
    public void Weights_that_change_count_in_the_next_pass_and_the_next_single_row()
    {
        // As many rows of as many values as a pass keeps something for.
        var data = Tiny.Glyphs(ml, 300);
        var options = Tiny.Natural("smallcnn-8-bn") with { ScoringBatchSize = 256 };
        using var model = new ArdTrainer(ml, options).Fit(ml.Data.TakeRows(data, 40));
        using var threads = new TwoThreads();
        var norms = 0;
        foreach (var norm in model.Classifier.Network.modules().OfType<TorchSharp.Modules.BatchNorm2d>())
            norm.register_forward_hook(_ => norms++);
        var engine = ml.Model.CreatePredictionEngine<Image, Prediction>(model, inputSchemaDefinition: null);
        var row = Tiny.Images(ml, 1)[0];
        var before = Tiny.Vectors(model.Transform(data), "Score");
        Close(before[0], engine.Predict(row).Score);
        // Nobody can have changed them yet, so they were folded beforehand.
        Assert.Equal(0, norms);

        using (TorchSharp.torch.no_grad())
        {
            foreach (var parameter in model.Model.parameters()) parameter.mul_(1.5);
        }
        var after = Tiny.Vectors(model.Transform(data), "Score");
        Assert.NotEqual(before[0], after[0]);
        Close(after[0], engine.Predict(row).Score);
        Assert.NotEqual(0, norms);

        var live = TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount;
        Tiny.Vectors(model.Transform(data), "Score");
        Assert.Equal(live, TorchSharp.DisposeScopeManager.Statistics.TensorStatistics.ThreadTotalLiveCount);
    }

    [Fact]
    public void The_row_mapper_needs_the_features_for_its_own_columns_only()
    {
        var mapper = ((ITransformer)Tiny.Classifier).GetRowToRowMapper(Tiny.Glyphs(ml, 10).Schema);

        Assert.True(((ITransformer)Tiny.Classifier).IsRowToRowMapper);
        Assert.Equal(["Features"], mapper.GetDependencies([mapper.OutputSchema["Score"]]).Select(column => column.Name));
        Assert.Equal(["Label"], mapper.GetDependencies([mapper.OutputSchema["Label"]]).Select(column => column.Name));
        Assert.Empty(mapper.GetDependencies([]));
        Assert.Equal(Tiny.Classifier.GetOutputSchema(mapper.InputSchema).ToString(), mapper.OutputSchema.ToString());
    }

    [Fact]
    public void The_largest_score_is_the_prediction()
    {
        var view = Scored;
        var scores = Tiny.Vectors(view, "Score");
        var predicted = Tiny.Column<uint>(view, "PredictedLabel");

        Assert.Equal(scores.Select(row => (uint)Array.IndexOf(row, row.Max()) + 1), predicted);
    }

    private static void Close(float[] expected, float[] found)
    {
        Assert.Equal(expected.Length, found.Length);
        for (var i = 0; i < expected.Length; i++) Assert.Equal(expected[i], found[i], 1e-5f);
    }

    private static List<object?[]> Values(IDataView view, DataViewSchema.Column[] columns)
    {
        using var cursor = view.GetRowCursor(columns);
        var getters = columns.Select(column => (column, Get: Getter(cursor, column))).ToArray();
        var rows = new List<object?[]>();
        while (cursor.MoveNext())
        {
            var row = new object?[view.Schema.Count];
            foreach (var (column, get) in getters) row[column.Index] = get();
            rows.Add(row);
        }
        return rows;
    }

    private static Func<object?> Getter(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is VectorDataViewType)
        {
            var get = row.GetGetter<VBuffer<float>>(column);
            return () =>
            {
                VBuffer<float> value = default;
                get(ref value);
                return value.DenseValues().ToArray();
            };
        }
        if (column.Type is KeyDataViewType) return Scalar<uint>();
        return Scalar<ReadOnlyMemory<char>>();

        Func<object?> Scalar<T>()
        {
            var get = row.GetGetter<T>(column);
            return () =>
            {
                T value = default!;
                get(ref value);
                return value!.ToString();
            };
        }
    }
}
