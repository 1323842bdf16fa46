// Stands in for Microsoft.ML.DataView: writing a vector value into the arrays of the one that it replaces.
namespace Microsoft.ML.Data;

public static class VBufferEditor
{
    public static VBufferEditor<T> CreateFromBuffer<T>(ref VBuffer<T> destination) =>
        Create(ref destination, destination.Length, destination.ExplicitCount, keepOldOnResize: true);

    public static VBufferEditor<T> Create<T>(ref VBuffer<T> destination, int newLogicalLength, int? valuesCount = null,
        int? maxValuesCapacity = null, bool keepOldOnResize = false, bool requireIndicesOnDense = false)
    {
        if (newLogicalLength < 0) throw new ArgumentOutOfRangeException(nameof(newLogicalLength));
        int count = valuesCount ?? newLogicalLength;
        if (count < 0 || count > newLogicalLength) throw new ArgumentOutOfRangeException(nameof(valuesCount));
        if (maxValuesCapacity < count) throw new ArgumentOutOfRangeException(nameof(maxValuesCapacity));

        var values = Fit(destination.RawValues, count, keepOldOnResize, out bool newValues);
        bool needsIndices = count < newLogicalLength || requireIndicesOnDense;
        bool newIndices = false;
        var indices = needsIndices ? Fit(destination.RawIndices, count, keepOldOnResize, out newIndices) : destination.RawIndices;
        return new VBufferEditor<T>(newLogicalLength, count, values, indices, needsIndices, newValues, newIndices);
    }

    private static TItem[] Fit<TItem>(TItem[] array, int count, bool keep, out bool created)
    {
        created = array == null ? count > 0 : array.Length < count;
        if (!created) return array;
        var larger = new TItem[count];
        if (keep) array?.CopyTo(larger, 0);
        return larger;
    }
}

public readonly ref struct VBufferEditor<T>
{
    private readonly int _length;
    private readonly T[] _values;
    private readonly int[] _indices;

    public readonly Span<T> Values;
    public readonly Span<int> Indices;

    internal VBufferEditor(int length, int count, T[] values, int[] indices, bool withIndices, bool createdNewValues,
        bool createdNewIndices)
    {
        _length = length;
        _values = values;
        _indices = indices;
        Values = values.AsSpan(0, count);
        Indices = withIndices ? indices.AsSpan(0, count) : default;
        CreatedNewValues = createdNewValues;
        CreatedNewIndices = createdNewIndices;
    }

    public bool CreatedNewValues { get; }

    public bool CreatedNewIndices { get; }

    public VBuffer<T> Commit() => new(_length, Values.Length, _values, _indices);

    public VBuffer<T> CommitTruncated(int physicalValuesCount)
    {
        if (physicalValuesCount < 0 || physicalValuesCount > Values.Length)
            throw new ArgumentOutOfRangeException(nameof(physicalValuesCount));
        return new VBuffer<T>(_length, physicalValuesCount, _values, _indices);
    }
}
