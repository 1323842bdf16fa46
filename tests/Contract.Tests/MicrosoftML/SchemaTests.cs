using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class SchemaTests
{
    [Fact]
    public void The_last_column_of_a_name_hides_the_others()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("A", NumberDataViewType.Single);
        builder.AddColumn("B", TextDataViewType.Instance);
        builder.AddColumn("A", NumberDataViewType.Double);
        var schema = builder.ToSchema();
        Assert.Equal("-A: Single; B: String; A: Double", Describe.Text(schema));
        Assert.Equal(2, schema["A"].Index);
        Assert.Null(schema.GetColumnOrNull("C"));
        Assert.Equal("3 columns", schema.ToString());
    }

    [Fact]
    public void A_missing_column_is_named()
    {
        var schema = new DataViewSchema.Builder().ToSchema();
        Assert.Contains("Column 'zz' not found", Assert.Throws<ArgumentOutOfRangeException>(() => schema["zz"]).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => schema[3]);
    }

    [Fact]
    public void Annotations_are_typed_values_by_kind()
    {
        var builder = new DataViewSchema.Annotations.Builder();
        builder.AddPrimitiveValue("x", NumberDataViewType.Single, 1f);
        builder.Add("names", new VectorDataViewType(TextDataViewType.Instance, 2),
            (ref VBuffer<ReadOnlyMemory<char>> v) => v = new VBuffer<ReadOnlyMemory<char>>(2, ["a".AsMemory(), "b".AsMemory()]));
        var annotations = builder.ToAnnotations();
        float value = 0;
        annotations.GetValue("x", ref value);
        Assert.Equal(1, value);
        Assert.Equal("x, names", annotations.ToString());
        Assert.Equal(2, annotations.Schema.Count);

        var copy = new DataViewSchema.Annotations.Builder();
        copy.Add(annotations, kind => kind == "names");
        Assert.Equal("names", copy.ToAnnotations().ToString());

        Assert.Throws<InvalidOperationException>(() => { bool b = false; annotations.GetValue("x", ref b); });
        Assert.Throws<InvalidOperationException>(() => { bool b = false; annotations.GetValue("none", ref b); });
        Assert.Throws<ArgumentException>(() => new DataViewSchema.Annotations.Builder()
            .Add<float>("x", NumberDataViewType.Double, (ref float v) => v = 1));
    }

    [Fact]
    public void Slot_names_key_values_and_normalization_are_read_from_annotations()
    {
        var ml = new MLContext(1);
        var data = ml.Transforms.Concatenate("X", "A", "F")
            .Append(ml.Transforms.Conversion.MapValueToKey("L", "S"))
            .Append(ml.Transforms.NormalizeMinMax("N", "A"))
            .Fit(Sample.View(ml)).Transform(Sample.View(ml));
        Assert.True(data.Schema["X"].HasSlotNames());
        Assert.False(data.Schema["F"].HasSlotNames());
        Assert.True(data.Schema["L"].HasKeyValues());
        Assert.False(data.Schema["K"].HasKeyValues());
        Assert.True(data.Schema["N"].IsNormalized());
        Assert.False(data.Schema["A"].IsNormalized());
        VBuffer<ReadOnlyMemory<char>> names = default;
        data.Schema["X"].GetSlotNames(ref names);
        Assert.Equal(["A", "", "", ""], names.DenseValues().Select(n => n.ToString()));
        data.Schema["L"].GetKeyValues(ref names);
        Assert.Equal(["s0", "s1", "s2"], names.DenseValues().Select(n => n.ToString()));
    }
}
