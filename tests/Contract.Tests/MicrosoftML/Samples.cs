using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Contract.Tests.MicrosoftML;

/// <summary>Rows that several tests share.</summary>
internal sealed class Sample
{
    public float A { get; set; }
    public string S { get; set; } = "";
    [VectorType(3)] public float[] F { get; set; } = new float[3];
    [KeyType(5)] public uint K { get; set; }
    public float[] V { get; set; } = [];

    public static List<Sample> Rows(int count = 6) => Enumerable.Range(0, count)
        .Select(i => new Sample { A = i, S = "s" + i % 3, F = [i, -i, 2 * i], K = (uint)i, V = new float[i % 4] }).ToList();

    public static IDataView View(MLContext ml, int count = 6) => ml.Data.LoadFromEnumerable(Rows(count));
}

internal static class Describe
{
    /// <summary>What <c>SchemaShape.Create</c> gives; not public, but the same name in every version.</summary>
    public static SchemaShape Shape(DataViewSchema schema) => (SchemaShape)typeof(SchemaShape)
        .GetMethod("Create", BindingFlags.Static | BindingFlags.NonPublic)!.Invoke(null, [schema])!;

    public static string Text(SchemaShape shape) => string.Join("; ", shape.Select(c =>
        $"{c.Name} {c.Kind} {c.ItemType}{(c.IsKey ? " key" : "")}{(c.Annotations.Count > 0 ? $" {{{Annotations(c)}}}" : "")}"));

    private static string Annotations(SchemaShape.Column column) =>
        string.Join(", ", column.Annotations.Select(a => $"{a.Name} {a.Kind} {a.ItemType}").Order(StringComparer.Ordinal));

    public static string Text(DataViewSchema schema) => string.Join("; ", schema.Select(c => (c.IsHidden ? "-" : "") + c));

    public static string[] Names(DataViewSchema.Column column, string kind)
    {
        VBuffer<ReadOnlyMemory<char>> names = default;
        column.Annotations.GetValue(kind, ref names);
        return names.DenseValues().Select(n => n.ToString()).ToArray();
    }

    public static T Annotation<T>(DataViewSchema.Column column, string kind)
    {
        T value = default!;
        column.Annotations.GetValue(kind, ref value);
        return value;
    }

    public static float[] Row(VBuffer<float> vector) => vector.DenseValues().ToArray();
}
