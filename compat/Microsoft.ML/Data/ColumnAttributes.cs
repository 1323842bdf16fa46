// Stands in for Microsoft.ML.Data: attributes that say what column a member of a row class is.
namespace Microsoft.ML.Data;

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class ColumnNameAttribute : Attribute
{
    internal string Name { get; }

    public ColumnNameAttribute(string name) => Name = name;
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class NoColumnAttribute : Attribute
{
    public NoColumnAttribute() { }
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class KeyTypeAttribute : Attribute
{
    internal ulong? Count { get; }

    public KeyTypeAttribute() { }

    public KeyTypeAttribute(ulong count) => Count = count;
}

[AttributeUsage(AttributeTargets.Field | AttributeTargets.Property)]
public sealed class VectorTypeAttribute : Attribute
{
    internal int[] Dimensions { get; }

    public VectorTypeAttribute() => Dimensions = new int[1];

    public VectorTypeAttribute(int size)
    {
        if (size < 0) throw new ArgumentOutOfRangeException(nameof(size));
        Dimensions = new[] { size };
    }

    public VectorTypeAttribute(params int[] dimensions)
    {
        if (dimensions.Any(d => d < 0)) throw new ArgumentOutOfRangeException(nameof(dimensions));
        Dimensions = dimensions;
    }
}
