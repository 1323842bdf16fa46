using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Contract.Tests.MicrosoftML;

public class ConversionTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Value { public string S { get; set; } = ""; public float A { get; set; } public bool B { get; set; } }
    private sealed class Numbers
    {
        public bool B { get; set; } = true;
        public byte U1 { get; set; } = 200;
        public ushort U2 { get; set; } = 60000;
        public short I2 { get; set; } = -300;
        public int I4 { get; set; } = -70000;
        public long I8 { get; set; } = -5000000000;
        public float R4 { get; set; } = -2.5f;
        public double R8 { get; set; } = 1e300;
        [KeyType(7)] public uint K { get; set; } = 3;
        [VectorType(2)] public float[] V { get; set; } = [1.5f, -2];
    }

    private IDataView Values(params (string S, float A)[] values) =>
        _ml.Data.LoadFromEnumerable(values.Select(v => new Value { S = v.S, A = v.A }).ToList());

    [Fact]
    public void Keys_are_numbered_by_occurrence()
    {
        var data = Sample.View(_ml);
        var estimator = _ml.Transforms.Conversion.MapValueToKey("L", "S");
        Assert.EndsWith("L Scalar UInt32 key {KeyValues Vector String}",
            Describe.Text(estimator.GetOutputSchema(Describe.Shape(data.Schema))));
        var transformer = estimator.Fit(data);
        var result = transformer.Transform(data);
        Assert.Equal("L: Key<UInt32, 0-2> {KeyValues}", result.Schema["L"].ToString());
        Assert.Equal(["s0", "s1", "s2"], Describe.Names(result.Schema["L"], "KeyValues"));
        Assert.Equal([1u, 2, 3, 1, 2, 3], result.GetColumn<uint>("L"));
        Assert.Equal([0u, 2, 0], transformer.Transform(Values(("new", 0), ("s1", 0), ("", 0))).GetColumn<uint>("L"));
    }

    [Fact]
    public void Keys_by_value_are_sorted_and_missing_values_have_none()
    {
        var data = Values(("b", 3), ("a", float.NaN), ("c", -1), ("B", 3), ("", 2));
        const ValueToKeyMappingEstimator.KeyOrdinality byValue = ValueToKeyMappingEstimator.KeyOrdinality.ByValue;
        var texts = _ml.Transforms.Conversion.MapValueToKey("L", "S", keyOrdinality: byValue).Fit(data);
        Assert.Equal(["B", "a", "b", "c"], Describe.Names(texts.GetOutputSchema(data.Schema)["L"], "KeyValues"));
        var numbers = _ml.Transforms.Conversion.MapValueToKey("L", "A", keyOrdinality: byValue).Fit(data);
        Assert.Equal([-1, 2, 3], Describe.Annotation<VBuffer<float>>(numbers.GetOutputSchema(data.Schema)["L"], "KeyValues").DenseValues());
        Assert.Equal([3u, 0, 1, 3, 2], numbers.Transform(data).GetColumn<uint>("L"));
    }

    [Fact]
    public void The_number_of_keys_may_be_limited_and_their_values_be_text()
    {
        var data = Values(("b", 3), ("a", -1), ("c", 2.5f));
        var transformer = _ml.Transforms.Conversion.MapValueToKey("L", "A", maximumNumberOfKeys: 2, addKeyValueAnnotationsAsText: true)
            .Fit(data);
        Assert.Equal(["3", "-1"], Describe.Names(transformer.GetOutputSchema(data.Schema)["L"], "KeyValues"));
        Assert.Equal([1u, 2, 0], transformer.Transform(data).GetColumn<uint>("L"));
    }

    [Fact]
    public void Given_key_data_decides_the_keys()
    {
        var keys = _ml.Data.LoadFromEnumerable(new[] { new { S = "z" }, new { S = "s1" } });
        var transformer = _ml.Transforms.Conversion.MapValueToKey("L", "S", keyData: keys).Fit(Sample.View(_ml));
        Assert.Equal(["z", "s1"], Describe.Names(transformer.GetOutputSchema(Sample.View(_ml).Schema)["L"], "KeyValues"));
        Assert.Equal([0u, 2, 0, 0, 2, 0], transformer.Transform(Sample.View(_ml)).GetColumn<uint>("L"));
    }

    [Fact]
    public void Vectors_map_slot_by_slot_and_no_rows_give_no_keys()
    {
        var data = Sample.View(_ml, 2);
        var result = _ml.Transforms.Conversion.MapValueToKey("L", "F").Fit(data).Transform(data);
        Assert.Equal("L: Vector<Key<UInt32, 0-3>, 3> {KeyValues}", result.Schema["L"].ToString());
        Assert.Equal([2u, 3, 4], result.GetColumn<uint[]>("L").Last());
        var empty = Values();
        Assert.Equal("L: Key<UInt32, 0-0>", _ml.Transforms.Conversion.MapValueToKey("L", "S").Fit(empty)
            .GetOutputSchema(empty.Schema)["L"].ToString());
    }

    [Fact]
    public void Columns_that_are_missing_are_named()
    {
        var data = Sample.View(_ml);
        var shape = Describe.Shape(data.Schema);
        Action[] attempts =
        [
            () => _ml.Transforms.Conversion.MapValueToKey("L", "nope").Fit(data),
            () => _ml.Transforms.Conversion.MapValueToKey("L", "nope").GetOutputSchema(shape),
            () => _ml.Transforms.Conversion.MapKeyToValue("L", "nope").Fit(data),
            () => _ml.Transforms.Conversion.MapKeyToValue("L", "nope").GetOutputSchema(shape),
            () => _ml.Transforms.Conversion.ConvertType("L", "nope").Fit(data),
            () => _ml.Transforms.Conversion.ConvertType("L", "nope").GetOutputSchema(shape),
        ];
        foreach (var attempt in attempts) Assert.Contains("Could not find input column 'nope'",
            Assert.Throws<ArgumentOutOfRangeException>(attempt).Message);
    }

    [Fact]
    public void Keys_become_values_again_and_the_missing_key_the_missing_value()
    {
        var data = Sample.View(_ml);
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("L", "S").Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "L"));
        Assert.EndsWith("; Back Scalar String", Describe.Text(pipeline.GetOutputSchema(Describe.Shape(data.Schema))));
        var transformer = pipeline.Fit(data);
        Assert.Equal(["s0", "s1", "s2", "s0", "s1", "s2"], transformer.Transform(data).GetColumn<string>("Back"));
        Assert.Equal(["", "s1"], transformer.Transform(Values(("new", 0), ("s1", 0))).GetColumn<string>("Back"));
        var numbers = _ml.Transforms.Conversion.MapValueToKey("L", "A").Append(_ml.Transforms.Conversion.MapKeyToValue("Back", "L"))
            .Fit(data);
        Assert.Equal([1, float.NaN], numbers.Transform(Values(("", 1), ("", 99))).GetColumn<float>("Back"));
    }

    [Fact]
    public void Columns_without_key_values_are_refused()
    {
        var data = Sample.View(_ml);
        var shape = Describe.Shape(data.Schema);
        Assert.Contains("Schema mismatch for input column 'A': expected KeyType, got Single",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Conversion.MapKeyToValue("B", "A")
                .GetOutputSchema(shape)).Message);
        Assert.Contains("Input column 'K' doesn't contain key values metadata",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Conversion.MapKeyToValue("B", "K")
                .GetOutputSchema(shape)).Message);
        Assert.Throws<InvalidOperationException>(() => _ml.Transforms.Conversion.MapKeyToValue("B", "K").Fit(data));
        Assert.Throws<InvalidOperationException>(() => _ml.Transforms.Conversion.MapKeyToValue("B", "A").Fit(data));
    }

    private T Convert<T>(string column, DataKind kind)
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new Numbers() });
        return _ml.Transforms.Conversion.ConvertType("Out", column, kind).Fit(data).Transform(data).GetColumn<T>("Out").Single();
    }

    [Fact]
    public void Numbers_convert_within_their_families_and_to_reals()
    {
        Assert.Equal(-112, Convert<sbyte>("I4", DataKind.SByte));
        Assert.Equal(-4464, Convert<short>("I4", DataKind.Int16));
        Assert.Equal(0, Convert<byte>("U2", DataKind.Byte));
        Assert.Equal(60000ul, Convert<ulong>("U2", DataKind.UInt64));
        Assert.Equal(1, Convert<int>("B", DataKind.Int32));
        Assert.Equal(200f, Convert<float>("U1", DataKind.Single));
        Assert.Equal(-5e9f, Convert<float>("I8", DataKind.Single));
        Assert.Equal(float.PositiveInfinity, Convert<float>("R8", DataKind.Single));
        Assert.Equal(-2.5, Convert<double>("R4", DataKind.Double));
        Assert.Equal([1.5, -2], Convert<double[]>("V", DataKind.Double));
        Assert.True(Convert<bool>("R4", DataKind.Boolean));
        Assert.Equal("-2.5", Convert<string>("R4", DataKind.String));
        Assert.Equal("-300", Convert<string>("I2", DataKind.String));
        Assert.Equal("True", Convert<string>("B", DataKind.String));
    }

    [Theory]
    [InlineData("R4", DataKind.Int32)]
    [InlineData("R8", DataKind.Byte)]
    [InlineData("U1", DataKind.Int32)]
    [InlineData("I2", DataKind.UInt32)]
    [InlineData("B", DataKind.Byte)]
    [InlineData("K", DataKind.Single)]
    [InlineData("K", DataKind.String)]
    public void Other_conversions_are_refused(string column, DataKind kind)
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new Numbers() });
        var estimator = _ml.Transforms.Conversion.ConvertType("Out", column, kind);
        Assert.Contains($"source column '{column}'", Assert.Throws<ArgumentOutOfRangeException>(() => estimator.Fit(data)).Message);
        if (column != "K") Assert.Contains($"Don't know how to convert {column} into {kind}",
            Assert.Throws<ArgumentOutOfRangeException>(() => estimator.GetOutputSchema(Describe.Shape(data.Schema))).Message);
    }

    [Fact]
    public void Keys_keep_their_keys_in_another_unsigned_type()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new Numbers() });
        var result = _ml.Transforms.Conversion.ConvertType("Out", "K", DataKind.Byte).Fit(data).Transform(data);
        Assert.Equal("Key<Byte, 0-6>", result.Schema["Out"].Type.ToString());
        Assert.Equal(4, result.GetColumn<byte>("Out").Single());
    }

    [Theory]
    [InlineData("1", 1f, true)]
    [InlineData("-1.5e3", -1500f, false)]
    [InlineData("", 0f, false)]
    [InlineData("x", float.NaN, false)]
    [InlineData(" 1 ", float.NaN, false)]
    [InlineData("True", float.NaN, true)]
    [InlineData("yes", float.NaN, true)]
    [InlineData("no", float.NaN, false)]
    public void Text_is_parsed(string text, float number, bool boolean)
    {
        var data = Values((text, 0));
        Assert.Equal(number, _ml.Transforms.Conversion.ConvertType("Out", "S").Fit(data).Transform(data).GetColumn<float>("Out").Single());
        Assert.Equal(boolean, _ml.Transforms.Conversion.ConvertType("Out", "S", DataKind.Boolean).Fit(data).Transform(data)
            .GetColumn<bool>("Out").Single());
    }
}
