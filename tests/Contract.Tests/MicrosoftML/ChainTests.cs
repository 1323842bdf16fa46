using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class ChainTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Probe : ITransformer, IDisposable
    {
        public int Disposals { get; private set; }
        public bool IsRowToRowMapper { get; init; }
        public void Save(ModelSaveContext ctx) { }
        public DataViewSchema GetOutputSchema(DataViewSchema inputSchema) => inputSchema;
        public IDataView Transform(IDataView input) => input;
        public IRowToRowMapper GetRowToRowMapper(DataViewSchema inputSchema) => throw new NotSupportedException();
        public void Dispose() => Disposals++;
    }

    private sealed class ProbeEstimator(List<string> log, string name) : IEstimator<Probe>
    {
        public Probe Fit(IDataView input)
        {
            log.Add($"fit {name} on {input.Schema.Count}");
            return new Probe();
        }

        public SchemaShape GetOutputSchema(SchemaShape inputSchema)
        {
            log.Add($"shape {name} on {inputSchema.Count}");
            return inputSchema;
        }
    }

    [Fact]
    public void Estimators_are_fitted_in_order_each_on_the_output_of_the_one_before()
    {
        var log = new List<string>();
        var chain = new ProbeEstimator(log, "a").Append(_ml.Transforms.CopyColumns("B", "A")).Append(new ProbeEstimator(log, "b"));
        var fitted = chain.Fit(Sample.View(_ml));
        Assert.Equal(["shape a on 5", "shape b on 6", "fit a on 5", "fit b on 6"], log);
        Assert.IsType<TransformerChain<Probe>>(fitted);
        Assert.NotNull(fitted.LastTransformer);
        Assert.Equal(3, fitted.Count());
        Assert.IsType<ProbeEstimator>(chain.LastEstimator);
    }

    [Fact]
    public void An_error_of_the_schema_shows_before_anything_is_fitted()
    {
        var log = new List<string>();
        var chain = new ProbeEstimator(log, "a").Append(_ml.Transforms.CopyColumns("B", "nope"));
        Assert.Throws<ArgumentOutOfRangeException>(() => chain.Fit(Sample.View(_ml)));
        Assert.DoesNotContain(log, line => line.StartsWith("fit", StringComparison.Ordinal));
    }

    [Fact]
    public void A_chain_transforms_one_after_another()
    {
        var data = Sample.View(_ml);
        var chain = _ml.Transforms.CopyColumns("B", "A").Append(_ml.Transforms.CopyColumns("C", "B")).Fit(data);
        Assert.Equal([0, 1, 2, 3, 4, 5], chain.Transform(data).GetColumn<float>("C"));
        Assert.Equal(7, chain.GetOutputSchema(data.Schema).Count);
        Assert.True(((ITransformer)chain).IsRowToRowMapper);
        var longer = chain.Append(_ml.Transforms.CopyColumns("D", "C").Fit(chain.Transform(data)));
        Assert.Equal([0, 1, 2, 3, 4, 5], longer.Transform(data).GetColumn<float>("D"));
        Assert.Equal(2, new Probe().Append(new Probe()).Count());
    }

    [Fact]
    public void The_empty_chain_changes_nothing()
    {
        var data = Sample.View(_ml);
        var chain = new EstimatorChain<ITransformer>();
        Assert.Null(chain.LastEstimator);
        var fitted = chain.Fit(data);
        Assert.Null(fitted.LastTransformer);
        Assert.Same(data, fitted.Transform(data));
    }

    [Fact]
    public void Scopes_choose_parts_of_a_chain()
    {
        var data = Sample.View(_ml);
        var chain = new EstimatorChain<ITransformer>()
            .Append(_ml.Transforms.CopyColumns("B", "A"), TransformerScope.Training)
            .Append(_ml.Transforms.CopyColumns("C", "A"), TransformerScope.Everything).Fit(data);
        Assert.Single(chain.GetModelFor(TransformerScope.Scoring));
        Assert.Equal(6, chain.GetOutputSchema(data.Schema, TransformerScope.Scoring).Count);
        Assert.Equal(2, chain.GetModelFor(TransformerScope.Training).Count());
    }

    [Fact]
    public void Disposing_a_chain_disposes_its_parts_once()
    {
        Probe a = new(), b = new() { IsRowToRowMapper = true };
        var chain = new TransformerChain<ITransformer>(a, b);
        Assert.False(((ITransformer)chain).IsRowToRowMapper);
        chain.Dispose();
        chain.Dispose();
        Assert.Equal(1, a.Disposals);
        Assert.Equal(1, b.Disposals);
    }

    [Fact]
    public void A_cache_checkpoint_keeps_rows_for_what_follows()
    {
        int reads = 0;
        IEnumerable<Sample> Rows()
        {
            reads++;
            foreach (var row in Sample.Rows()) yield return row;
        }
        var data = _ml.Data.LoadFromEnumerable(Rows());
        _ml.Transforms.CopyColumns("B", "A").AppendCacheCheckpoint(_ml)
            .Append(_ml.Transforms.NormalizeMinMax("A")).Append(_ml.Transforms.NormalizeMinMax("A")).Fit(data);
        Assert.Equal(1, reads);
    }

    [Fact]
    public void A_delegate_gets_the_fitted_transformer()
    {
        ITransformer? seen = null;
        var data = Sample.View(_ml);
        var chain = _ml.Transforms.CopyColumns("B", "A").WithOnFitDelegate(t => seen = t).Append(_ml.Transforms.CopyColumns("C", "B"))
            .Fit(data);
        Assert.Same(chain.First(), seen);
    }

    [Fact]
    public void The_row_mapper_of_a_chain_names_the_columns_that_it_needs()
    {
        var data = Sample.View(_ml);
        ITransformer chain = _ml.Transforms.CopyColumns("B", "A").Append(_ml.Transforms.Concatenate("C", "B", "F")).Fit(data);
        var mapper = chain.GetRowToRowMapper(data.Schema);
        Assert.Equal(["A", "F"], mapper.GetDependencies([mapper.OutputSchema["C"]]).Select(c => c.Name).Order());
        Assert.Equal(["S"], mapper.GetDependencies([mapper.OutputSchema["S"]]).Select(c => c.Name));
        using var cursor = data.GetRowCursor(data.Schema);
        using var row = mapper.GetRow(cursor, [mapper.OutputSchema["C"]]);
        var get = row.GetGetter<VBuffer<float>>(mapper.OutputSchema["C"]);
        VBuffer<float> value = default;
        cursor.MoveNext();
        cursor.MoveNext();
        get(ref value);
        Assert.Equal([1, 1, -1, 2], value.DenseValues());
    }

    [Fact]
    public void Null_is_refused() => Assert.Throws<ArgumentNullException>(() => _ml.Transforms.CopyColumns("B", "A").Fit(null!));
}
