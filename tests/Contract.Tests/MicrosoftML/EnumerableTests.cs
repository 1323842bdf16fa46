using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

public class EnumerableTests
{
    private readonly MLContext _ml = new(1);

    private sealed class Nullable { public int? X { get; set; } }
    private sealed class Character { public char X { get; set; } }
    private sealed class KeyWithoutCount { [KeyType] public uint K { get; set; } }
    private sealed class KeyOfInt { [KeyType(3)] public int K { get; set; } }
    private sealed class KeyVector { [KeyType(5), VectorType(3)] public uint[] K { get; set; } = []; }

    private sealed class Renamed
    {
        [ColumnName("B")] public float A { get; set; }
        [NoColumn] public float Ignored { get; set; }
        public bool Field = true;
    }

    private sealed class Filled
    {
        public float A { get; set; }
        public string S { get; set; } = "";
        public float[] F { get; set; } = [];
        public uint K { get; set; }
        public VBuffer<float> V { get; set; }
    }

    private sealed class WrongType { public int A { get; set; } }
    private sealed class Missing { public float Zzz { get; set; } }

    private sealed class TextsAndBuffers
    {
        [VectorType(2)] public string[] T { get; set; } = [];
        [VectorType(3)] public VBuffer<float> B { get; set; }
    }

    [Fact]
    public void Members_become_columns()
    {
        Assert.Equal("A: Single; S: String; F: Vector<Single, 3>; K: Key<UInt32, 0-4>; V: Vector<Single>",
            Describe.Text(Sample.View(_ml).Schema));
        Assert.Equal("Field: Boolean; B: Single", Describe.Text(_ml.Data.LoadFromEnumerable(new[] { new Renamed() }).Schema));
        Assert.Equal("X: Single; Y: String", Describe.Text(_ml.Data.LoadFromEnumerable(new[] { new { X = 1f, Y = "" } }).Schema));
        Assert.Equal("A Scalar Single; S Scalar String; F Vector Single; K Scalar UInt32 key; V VariableVector Single",
            Describe.Text(Describe.Shape(Sample.View(_ml).Schema)));
    }

    [Fact]
    public void A_list_knows_its_length_and_neither_can_shuffle()
    {
        Assert.Equal(6, Sample.View(_ml).GetRowCount());
        Assert.Null(_ml.Data.LoadFromEnumerable(Sample.Rows().Select(r => r)).GetRowCount());
        Assert.False(Sample.View(_ml).CanShuffle);
    }

    [Fact]
    public void Members_of_other_types_are_refused_by_name()
    {
        Assert.Contains("member X", Assert.Throws<ArgumentOutOfRangeException>(() =>
            _ml.Data.LoadFromEnumerable(new[] { new Nullable() })).Message);
        Assert.Contains("member X", Assert.Throws<ArgumentOutOfRangeException>(() =>
            _ml.Data.LoadFromEnumerable(new[] { new Character() })).Message);
        Assert.Throws<NotSupportedException>(() => _ml.Data.LoadFromEnumerable(new[] { new KeyWithoutCount() }));
        Assert.Contains("Member K marked with KeyType attribute",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(new[] { new KeyOfInt() })).Message);
    }

    [Fact]
    public void Objects_hold_single_keys_from_zero_and_views_from_one_but_vectors_of_keys_as_they_are()
    {
        Assert.Equal([1u, 2, 3, 4, 5, 0], Sample.View(_ml).GetColumn<uint>("K"));
        Assert.Equal([0u, 1, 9], _ml.Data.LoadFromEnumerable(new[] { new KeyVector { K = [0, 1, 9] } }).GetColumn<uint[]>("K").Single());
    }

    [Fact]
    public void Null_arrays_and_texts_are_empty()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new Sample { S = null!, F = null! } });
        Assert.Equal("", data.GetColumn<string>("S").Single());
        Assert.Empty(data.GetColumn<float[]>("F").Single());
    }

    [Fact]
    public void Rows_become_objects_again()
    {
        var rows = _ml.Data.CreateEnumerable<Filled>(Sample.View(_ml), reuseRowObject: false).ToList();
        Assert.Equal(6, rows.Count);
        Assert.Equal(["s0", "s1", "s2", "s0", "s1", "s2"], rows.Select(r => r.S));
        Assert.Equal([5, -5, 10], rows[5].F);
        Assert.Equal([0, 0, 0], rows[0].F);
        Assert.Equal([1u, 2, 3, 4, 5, 0], rows.Select(r => r.K));
        Assert.Equal(3, rows[3].V.Length);
        var reused = _ml.Data.CreateEnumerable<Filled>(Sample.View(_ml), reuseRowObject: true).ToList();
        Assert.All(reused, row => Assert.Same(reused[0], row));
    }

    [Fact]
    public void Columns_that_do_not_fit_a_member_are_named()
    {
        var data = Sample.View(_ml);
        Assert.Contains("Can't bind the IDataView column 'A' of type 'Single' to field or property 'A' of type 'System.Int32'",
            Assert.Throws<InvalidOperationException>(() => _ml.Data.CreateEnumerable<WrongType>(data, false).ToList()).Message);
        Assert.Contains("'Zzz'", Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.CreateEnumerable<Missing>(data, false)
            .ToList()).Message);
        Assert.Equal(6, _ml.Data.CreateEnumerable<Missing>(data, false, ignoreMissingColumns: true).Count());
    }

    [Fact]
    public void Texts_and_buffers_of_objects_come_through()
    {
        var data = _ml.Data.LoadFromEnumerable(new[] { new TextsAndBuffers { T = ["x", "y"], B = new VBuffer<float>(3, 1, [7], [2]) } });
        Assert.Equal("T: Vector<String, 2>; B: Vector<Single, 3>", Describe.Text(data.Schema));
        Assert.Equal([0, 0, 7], data.GetColumn<float[]>("B").Single());
        var back = _ml.Data.CreateEnumerable<TextsAndBuffers>(data, false).Single();
        Assert.Equal(["x", "y"], back.T);
        Assert.Equal([0, 0, 7], back.B.DenseValues());
    }

    [Fact]
    public void A_schema_definition_changes_names_types_and_annotations()
    {
        var definition = SchemaDefinition.Create(typeof(Sample));
        definition["F"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 3, 1, 1);
        definition["K"].ColumnType = new KeyDataViewType(typeof(uint), 9);
        definition["A"].AddAnnotation("IsNormalized", true, BooleanDataViewType.Instance);
        definition["A"].ColumnName = "Renamed";
        definition.Remove(definition["V"]);
        Assert.Null(definition["none"]);
        var data = _ml.Data.LoadFromEnumerable(Sample.Rows(), definition);
        Assert.Equal("Renamed: Single {IsNormalized}; S: String; F: Vector<Single, 3, 1, 1>; K: Key<UInt32, 0-8>",
            Describe.Text(data.Schema));
        Assert.Equal([1u, 2, 3, 4, 5, 6], data.GetColumn<uint>("K"));

        var wrong = SchemaDefinition.Create(typeof(Sample));
        wrong["A"].ColumnType = NumberDataViewType.Double;
        Assert.Contains("Column 'A' is supposed to have item type System.Double",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(Sample.Rows(), wrong)).Message);
        wrong["A"].ColumnType = new VectorDataViewType(NumberDataViewType.Single, 3);
        Assert.Contains("Column 'A' is supposed to be vector",
            Assert.Throws<ArgumentOutOfRangeException>(() => _ml.Data.LoadFromEnumerable(Sample.Rows(), wrong)).Message);
    }

    [Fact]
    public void A_schema_gives_types_to_members()
    {
        var builder = new DataViewSchema.Builder();
        builder.AddColumn("F", new VectorDataViewType(NumberDataViewType.Single, 1, 3));
        Assert.Equal("Vector<Single, 1, 3>", _ml.Data.LoadFromEnumerable(Sample.Rows(), builder.ToSchema()).Schema["F"].Type.ToString());
    }

    [Fact]
    public void A_column_is_enumerated_as_values_arrays_or_text()
    {
        var data = Sample.View(_ml);
        Assert.Equal([0, 1, 2, 3, 4, 5], data.GetColumn<float>("A"));
        Assert.Equal("s1", data.GetColumn<string>("S").ElementAt(1));
        Assert.Equal("s1", data.GetColumn<ReadOnlyMemory<char>>("S").ElementAt(1).ToString());
        Assert.Equal([1, -1, 2], data.GetColumn<float[]>(data.Schema["F"]).ElementAt(1));
        Assert.Equal([1, -1, 2], data.GetColumn<VBuffer<float>>("F").Select(Describe.Row).ElementAt(1));
        Assert.Contains("Column 'zz' not found",
            Assert.Throws<ArgumentOutOfRangeException>(() => data.GetColumn<float>("zz").ToList()).Message);
        Assert.Contains("Cannot map column (name: A, type: Single)",
            Assert.Throws<ArgumentOutOfRangeException>(() => data.GetColumn<double>("A").ToList()).Message);
    }

    [Fact]
    public void A_preview_shows_the_first_rows()
    {
        var preview = Sample.View(_ml).Preview(2);
        Assert.Equal("5 columns, 2 rows", preview.ToString());
        Assert.Equal("A: Single", preview.ColumnView[0].ToString());
        Assert.Equal([0f, 1f], preview.ColumnView[0].Values);
        Assert.Equal(new KeyValuePair<string, object>("A", 1f), preview.RowView[1].Values[0]);
    }
}
