using Microsoft.ML;
using Microsoft.ML.Data;
using Microsoft.ML.Transforms;

namespace Contract.Tests.MicrosoftML;

public class CustomMappingTests
{
    private readonly MLContext _ml = new(1);

    public sealed class Input { public float A { get; set; } [VectorType(3)] public float[] F { get; set; } = []; }

    public sealed class Output
    {
        public float Twice { get; set; }
        [VectorType(3)] public float[] G { get; set; } = [];
        [KeyType(4)] public uint Key { get; set; }
        public string Text { get; set; } = "";
    }

    private sealed class Missing { public float Qqq { get; set; } }

    private static void Map(Input from, Output to)
    {
        to.Twice = 2 * from.A;
        to.G = from.F;
        to.Key = 2;
        to.Text = "t" + from.A;
    }

    [CustomMappingFactoryAttribute("Contract.Tests.Map")]
    public sealed class MapFactory : CustomMappingFactory<Input, Output>
    {
        public override Action<Input, Output> GetMapping() => Map;
    }

    [Fact]
    public void A_delegate_adds_columns()
    {
        var data = Sample.View(_ml);
        var estimator = _ml.Transforms.CustomMapping<Input, Output>(Map, null);
        Assert.EndsWith("Twice Scalar Single; G Vector Single; Key Scalar UInt32 key; Text Scalar String",
            Describe.Text(estimator.GetOutputSchema(Describe.Shape(data.Schema))));
        var result = estimator.Fit(data).Transform(data);
        Assert.EndsWith("Twice: Single; G: Vector<Single, 3>; Key: Key<UInt32, 0-3>; Text: String", Describe.Text(result.Schema));
        Assert.Equal([0, 2, 4, 6, 8, 10], result.GetColumn<float>("Twice"));
        Assert.Equal([5, -5, 10], result.GetColumn<float[]>("G").Last());
        Assert.All(result.GetColumn<uint>("Key"), key => Assert.Equal(3u, key));
        Assert.Equal("t5", result.GetColumn<string>("Text").Last());
    }

    [Fact]
    public void The_delegate_runs_once_a_row()
    {
        int calls = 0;
        var data = Sample.View(_ml);
        var result = _ml.Transforms.CustomMapping<Input, Output>((from, to) => { calls++; Map(from, to); }, null).Fit(data).Transform(data);
        using var cursor = result.GetRowCursor(result.Schema);
        var twice = cursor.GetGetter<float>(result.Schema["Twice"]);
        var text = cursor.GetGetter<ReadOnlyMemory<char>>(result.Schema["Text"]);
        float number = 0;
        ReadOnlyMemory<char> words = default;
        while (cursor.MoveNext())
        {
            twice(ref number);
            text(ref words);
            twice(ref number);
        }
        Assert.Equal(6, calls);
    }

    [Fact]
    public void A_schema_definition_gives_types_and_annotations()
    {
        var definition = SchemaDefinition.Create(typeof(Output), SchemaDefinition.Direction.Read);
        definition["Twice"].AddAnnotation("IsNormalized", true, BooleanDataViewType.Instance);
        definition["G"].AddAnnotation("SlotNames", new VBuffer<ReadOnlyMemory<char>>(3, ["a".AsMemory(), "b".AsMemory(), "c".AsMemory()]),
            new VectorDataViewType(TextDataViewType.Instance, 3));
        definition["Key"].ColumnType = new KeyDataViewType(typeof(uint), 9);
        definition["G"].ColumnName = "Renamed";
        var data = Sample.View(_ml);
        var estimator = _ml.Transforms.CustomMapping<Input, Output>(Map, null, outputSchemaDefinition: definition);
        Assert.EndsWith("Twice Scalar Single {IsNormalized Scalar Boolean}; "
            + "Renamed Vector Single {SlotNames Vector String}; Key Scalar UInt32 key; Text Scalar String",
            Describe.Text(estimator.GetOutputSchema(Describe.Shape(data.Schema))));
        var schema = estimator.Fit(data).GetOutputSchema(data.Schema);
        Assert.EndsWith("Twice: Single {IsNormalized}; Renamed: Vector<Single, 3> {SlotNames}; Key: Key<UInt32, 0-8>; Text: String",
            Describe.Text(schema));
    }

    [Fact]
    public void Missing_columns_are_named()
    {
        var estimator = _ml.Transforms.CustomMapping<Missing, Output>((_, _) => { }, null);
        Assert.Contains("'Qqq'", Assert.Throws<ArgumentOutOfRangeException>(() => estimator.Fit(Sample.View(_ml))).Message);
        Assert.Contains("Could not find input column 'Qqq'",
            Assert.Throws<ArgumentOutOfRangeException>(() => estimator.GetOutputSchema(Describe.Shape(Sample.View(_ml).Schema))).Message);
    }

    [Fact]
    public void A_mapping_with_a_contract_can_be_saved_and_loaded()
    {
        var data = Sample.View(_ml);
        using var file = new MemoryStream();
        _ml.Model.Save(_ml.Transforms.CustomMapping<Input, Output>(Map, "Contract.Tests.Map").Fit(data), data.Schema, file);
        file.Position = 0;
        var other = new MLContext();
        other.ComponentCatalog.RegisterAssembly(typeof(MapFactory).Assembly);
        Assert.Equal([0, 2, 4, 6, 8, 10], other.Model.Load(file, out _).Transform(data).GetColumn<float>("Twice"));
    }

    [Fact]
    public void A_mapping_without_a_contract_cannot_be_saved()
    {
        var data = Sample.View(_ml);
        var transformer = _ml.Transforms.CustomMapping<Input, Output>(Map, null).Fit(data);
        Assert.Throws<InvalidOperationException>(() => _ml.Model.Save(transformer, data.Schema, new MemoryStream()));
    }
}
