using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class RowOperationTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Data(int rows) => Sample.View(_ml, rows);

    private static float[] A(IDataView view) => view.GetColumn<float>("A").ToArray();

    [Fact]
    public void Take_and_skip_count_rows()
    {
        Assert.Equal([0, 1], A(_ml.Data.TakeRows(Data(6), 2)));
        Assert.Equal([4, 5], A(_ml.Data.SkipRows(Data(6), 4)));
        Assert.Equal(2, _ml.Data.TakeRows(Data(6), 2).GetRowCount());
        Assert.Equal(2, _ml.Data.SkipRows(Data(6), 4).GetRowCount());
        Assert.Equal(6, _ml.Data.TakeRows(Data(6), 20).GetRowCount());
        Assert.Equal(0, _ml.Data.SkipRows(Data(6), 20).GetRowCount());
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.TakeRows(Data(6), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.SkipRows(Data(6), -1));
    }

    [Fact]
    public void A_predicate_says_which_rows_to_leave_out()
    {
        var kept = _ml.Data.FilterByCustomPredicate<Sample>(Data(6), row => row.A > 2);
        Assert.Equal([0, 1, 2], A(kept));
        Assert.Null(kept.GetRowCount());
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.FilterByCustomPredicate<Nothing>(Data(6), _ => true));
    }

    private sealed class Nothing { public float Qqq { get; set; } }

    [Fact]
    public void A_shuffle_is_a_permutation_that_its_seed_decides()
    {
        foreach (int pool in new[] { 10, 1000 })
        {
            var shuffled = _ml.Data.ShuffleRows(Data(200), seed: 3, shufflePoolSize: pool);
            Assert.NotEqual(A(Data(200)), A(shuffled));
            Assert.Equal(A(Data(200)), A(shuffled).Order());
            Assert.Equal(A(shuffled), A(shuffled));
            Assert.Equal(A(shuffled), A(_ml.Data.ShuffleRows(Data(200), seed: 3, shufflePoolSize: pool)));
            Assert.NotEqual(A(shuffled), A(_ml.Data.ShuffleRows(Data(200), seed: 4, shufflePoolSize: pool)));
            Assert.Equal(200, shuffled.GetRowCount());
            Assert.True(shuffled.CanShuffle);
        }
    }

    [Fact]
    public void A_shuffled_row_keeps_its_columns_together()
    {
        var shuffled = _ml.Data.ShuffleRows(Data(50), seed: 3);
        var pairs = A(shuffled).Zip(shuffled.GetColumn<float[]>("F"));
        Assert.All(pairs, p => Assert.Equal([p.First, -p.First, 2 * p.First], p.Second));
        foreach (var row in _ml.Data.CreateEnumerable<Sample>(shuffled, false)) Assert.Equal([row.A, -row.A, 2 * row.A], row.F);
    }

    [Fact]
    public void A_cache_reads_its_source_once_a_column()
    {
        int reads = 0;
        IEnumerable<Sample> Rows()
        {
            reads++;
            return Sample.Rows();
        }
        IEnumerable<Sample> Lazy()
        {
            foreach (var row in Rows()) yield return row;
        }
        var cache = _ml.Data.Cache(_ml.Data.LoadFromEnumerable(Lazy()));
        for (int i = 0; i < 3; i++) Assert.Equal([0, 1, 2, 3, 4, 5], A(cache));
        Assert.Equal(1, reads);
        Assert.True(cache.CanShuffle);
        Assert.Equal(6, cache.GetRowCount());
        using var shuffled = cache.GetRowCursor(cache.Schema, new Random(1));
        var get = shuffled.GetGetter<float>(cache.Schema["A"]);
        var seen = new List<float>();
        while (shuffled.MoveNext())
        {
            float value = 0;
            get(ref value);
            seen.Add(value);
        }
        Assert.Equal([0, 1, 2, 3, 4, 5], seen.Order());
    }

    [Fact]
    public void Train_and_test_sets_share_out_the_rows_in_order()
    {
        var split = _ml.Data.TrainTestSplit(Data(1000), testFraction: 0.2, seed: 1);
        float[] train = A(split.TrainSet), test = A(split.TestSet);
        Assert.Equal(A(Data(1000)), train.Concat(test).Order());
        Assert.InRange(test.Length, 130, 270);
        Assert.Equal(test.Order(), test);
        Assert.Equal(test, A(split.TestSet));
        Assert.Equal(test, A(_ml.Data.TrainTestSplit(Data(1000), testFraction: 0.2, seed: 1).TestSet));
        Assert.Equal(Describe.Text(Data(6).Schema), Describe.Text(split.TestSet.Schema));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(Data(6), 0));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(Data(6), 1));
    }

    [Fact]
    public void Rows_of_one_sampling_key_stay_together()
    {
        var rows = Sample.Rows(300);
        foreach (var row in rows) row.S = "key" + row.A % 20;
        var split = _ml.Data.TrainTestSplit(_ml.Data.LoadFromEnumerable(rows), 0.5, samplingKeyColumnName: "S", seed: 1);
        var train = split.TrainSet.GetColumn<string>("S").ToHashSet();
        var test = split.TestSet.GetColumn<string>("S").ToHashSet();
        Assert.Empty(train.Intersect(test));
        Assert.Equal(20, train.Count + test.Count);
        Assert.NotEmpty(train);
        Assert.NotEmpty(test);
        Assert.Contains("'Q'", Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.TrainTestSplit(Data(6), 0.5, "Q")).Message);
    }

    [Fact]
    public void Folds_are_disjoint_and_cover_the_rows()
    {
        var folds = _ml.Data.CrossValidationSplit(Data(400), numberOfFolds: 4, seed: 1);
        Assert.Equal(4, folds.Count);
        Assert.Equal(A(Data(400)), folds.SelectMany(f => A(f.TestSet)).Order());
        Assert.All(folds, f => Assert.Equal(A(Data(400)), A(f.TrainSet).Concat(A(f.TestSet)).Order()));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.CrossValidationSplit(Data(6), 1));
    }

    [Fact]
    public void A_bootstrap_sample_repeats_rows_and_its_complement_has_the_others()
    {
        var sample = A(_ml.Data.BootstrapSample(Data(1000), seed: 3));
        var rest = A(_ml.Data.BootstrapSample(Data(1000), seed: 3, complement: true));
        Assert.InRange(sample.Length, 850, 1150);
        Assert.InRange(rest.Length, 300, 440);
        Assert.Empty(sample.Intersect(rest));
        Assert.Equal(1000, sample.Union(rest).Count());
        Assert.Equal(sample, A(_ml.Data.BootstrapSample(Data(1000), seed: 3)));
    }
}
