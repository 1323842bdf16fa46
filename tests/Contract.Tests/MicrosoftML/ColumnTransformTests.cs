using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class ColumnTransformTests
{
    private readonly MLContext _ml = new(1);

    private IDataView Data => Sample.View(_ml);

    private string After(IEstimator<ITransformer> estimator, string column) => estimator.Fit(Data)
        .Transform(Data).Schema[column].ToString();

    private string ShapeAfter(IEstimator<ITransformer> estimator) => Describe.Text(estimator.GetOutputSchema(Describe.Shape(Data.Schema)));

    [Fact]
    public void Concatenation_puts_scalars_and_vectors_into_one_vector()
    {
        var estimator = _ml.Transforms.Concatenate("X", "A", "F");
        Assert.EndsWith("; X Vector Single {SlotNames Vector String}", ShapeAfter(estimator));
        var result = estimator.Fit(Data).Transform(Data);
        Assert.Equal("X: Vector<Single, 4> {SlotNames}", result.Schema["X"].ToString());
        Assert.Equal(["A", "", "", ""], Describe.Names(result.Schema["X"], "SlotNames"));
        Assert.Equal([2, 2, -2, 4], result.GetColumn<float[]>("X").ElementAt(2));
        Assert.Equal("X: Vector<Single, 1> {SlotNames}", After(_ml.Transforms.Concatenate("X", "A"), "X"));
        Assert.Equal("X: Vector<Single>", After(_ml.Transforms.Concatenate("X", "A", "V"), "X"));
        Assert.Contains("X VariableVector Single", ShapeAfter(_ml.Transforms.Concatenate("X", "A", "V")));
    }

    [Fact]
    public void A_vector_alone_keeps_its_dimensions()
    {
        var definition = SchemaDefinition.Create(typeof(Sample));
        definition["F"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 3, 1, 1);
        var data = _ml.Data.LoadFromEnumerable(Sample.Rows(), definition);
        Assert.Equal("X: Vector<Single, 3, 1, 1>", _ml.Transforms.Concatenate("X", "F").Fit(data).Transform(data).Schema["X"].ToString());
        Assert.Equal("X: Vector<Single, 6>", _ml.Transforms.Concatenate("X", "F", "F").Fit(data).Transform(data).Schema["X"].ToString());
    }

    [Fact]
    public void Slot_names_of_vectors_come_behind_their_columns_names()
    {
        var twice = _ml.Transforms.Concatenate("X", "A", "F").Append(_ml.Transforms.Concatenate("Y", "X", "A"));
        Assert.Equal(["X.A", "", "", "", "A"], Describe.Names(twice.Fit(Data).Transform(Data).Schema["Y"], "SlotNames"));
        var again = _ml.Transforms.Concatenate("X", "A", "F").Append(_ml.Transforms.Concatenate("Y", "X"));
        Assert.Equal(["A", "", "", ""], Describe.Names(again.Fit(Data).Transform(Data).Schema["Y"], "SlotNames"));
    }

    [Fact]
    public void Normalized_columns_stay_normalized_together()
    {
        var estimator = _ml.Transforms.NormalizeMinMax("A").Append(_ml.Transforms.NormalizeMinMax("F"));
        Assert.Contains("IsNormalized", After(estimator.Append(_ml.Transforms.Concatenate("X", "A", "F")), "X"));
        Assert.DoesNotContain("IsNormalized",
            After(_ml.Transforms.NormalizeMinMax("A").Append(_ml.Transforms.Concatenate("X", "A", "F")), "X"));
    }

    [Fact]
    public void Columns_of_different_types_do_not_concatenate()
    {
        Assert.Contains("Column 'S' has type of String, but expected column type is Single",
            Assert.Throws<InvalidOperationException>(() => ShapeAfter(_ml.Transforms.Concatenate("X", "A", "S"))).Message);
        Assert.Contains("Schema mismatch for input column 'S': expected Single, got String",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Concatenate("X", "A", "S").Fit(Data).Transform(Data)).Message);
        Assert.Contains("Could not find input column 'Q'",
            Assert.Throws<ArgumentOutOfRangeException>(() => ShapeAfter(_ml.Transforms.Concatenate("X", "A", "Q"))).Message);
        Assert.Contains("Could not find input column 'Q'",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Concatenate("X", "A", "Q").Fit(Data).Transform(Data)).Message);
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.Concatenate("X").Fit(Data).Transform(Data));
    }

    [Fact]
    public void A_copy_has_the_type_and_annotations_of_its_source()
    {
        var pipeline = _ml.Transforms.Conversion.MapValueToKey("L", "S").Append(_ml.Transforms.CopyColumns("M", "L"));
        Assert.Equal("M: Key<UInt32, 0-2> {KeyValues}", After(pipeline, "M"));
        Assert.EndsWith("; M Scalar UInt32 key {KeyValues Vector String}", ShapeAfter(pipeline));
        Assert.Equal([0, 1, 2, 3, 4, 5], _ml.Transforms.CopyColumns("B", "A").Fit(Data).Transform(Data).GetColumn<float>("B"));
        Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Transforms.CopyColumns("B", "Q").Fit(Data));
        Assert.Throws<ArgumentOutOfRangeException>(() => ShapeAfter(_ml.Transforms.CopyColumns("B", "Q")));
    }

    [Fact]
    public void A_column_of_an_old_name_hides_the_old_one()
    {
        var result = _ml.Transforms.CopyColumns("A", "K").Fit(Data).Transform(Data);
        Assert.Equal(6, result.Schema.Count);
        Assert.True(result.Schema[0].IsHidden);
        Assert.Equal("A: Key<UInt32, 0-4>", result.Schema["A"].ToString());
        Assert.StartsWith("A Scalar UInt32 key; S", ShapeAfter(_ml.Transforms.CopyColumns("A", "K")));
    }

    [Fact]
    public void Dropping_and_selecting_keep_the_other_and_the_named_columns()
    {
        var drop = _ml.Transforms.CopyColumns("A", "K").Append(_ml.Transforms.DropColumns("A", "S"));
        Assert.Equal("F: Vector<Single, 3>; K: Key<UInt32, 0-4>; V: Vector<Single>", Describe.Text(drop.Fit(Data).Transform(Data).Schema));
        Assert.Equal("F Vector Single; K Scalar UInt32 key; V VariableVector Single", ShapeAfter(drop));
        var select = _ml.Transforms.CopyColumns("A", "K").Append(_ml.Transforms.SelectColumns("S", "A"));
        Assert.Equal("S: String; A: Key<UInt32, 0-4>", Describe.Text(select.Fit(Data).Transform(Data).Schema));
        Assert.Equal("A Scalar UInt32 key; S Scalar String", ShapeAfter(select));
        var hidden = _ml.Transforms.CopyColumns("A", "K").Append(_ml.Transforms.SelectColumns(["S", "A"], keepHidden: true));
        Assert.Equal("S: String; -A: Single; A: Key<UInt32, 0-4>", Describe.Text(hidden.Fit(Data).Transform(Data).Schema));
        var other = _ml.Transforms.CopyColumns("A", "K").Append(_ml.Transforms.DropColumns("S"));
        Assert.StartsWith("-A: Single; A: Key<UInt32, 0-4>; F", Describe.Text(other.Fit(Data).Transform(Data).Schema));
        foreach (var estimator in new IEstimator<ITransformer>[] { _ml.Transforms.DropColumns("Q"), _ml.Transforms.SelectColumns("Q") })
        {
            Assert.Contains("Could not find input column 'Q'",
                Assert.Throws<ArgumentOutOfRangeException>(() => estimator.Fit(Data)).Message);
            Assert.Contains("Could not find input column 'Q'",
                Assert.Throws<ArgumentOutOfRangeException>(() => ShapeAfter(estimator)).Message);
        }
    }
}
