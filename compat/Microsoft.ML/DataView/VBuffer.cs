// Stands in for Microsoft.ML.DataView: a vector value, dense or sparse, whose arrays are reused from row to row.
using System.Collections;

namespace Microsoft.ML.Data;

public readonly struct VBuffer<T> : IEnumerable
{
    private readonly T[] _values;
    private readonly int[] _indices;
    private readonly int _count;

    public readonly int Length;

    public VBuffer(int length, T[] values, int[] indices = null)
    {
        if (length < 0) throw new ArgumentOutOfRangeException(nameof(length));
        if ((values?.Length ?? 0) < length) throw new ArgumentOutOfRangeException(nameof(values));
        Length = length;
        _values = values;
        _count = length;
        _indices = indices;
    }

    public VBuffer(int length, int count, T[] values, int[] indices)
    {
        if (length < 0) throw new ArgumentOutOfRangeException(nameof(length));
        if (count < 0 || count > length) throw new ArgumentOutOfRangeException(nameof(count));
        if ((values?.Length ?? 0) < count) throw new ArgumentOutOfRangeException(nameof(values));
        if (count < length && (indices?.Length ?? 0) < count) throw new ArgumentOutOfRangeException(nameof(indices));
        Length = length;
        _values = values;
        _count = count;
        _indices = indices;
    }

    public bool IsDense => _count == Length;

    public ReadOnlySpan<T> GetValues() => _values.AsSpan(0, _count);

    public ReadOnlySpan<int> GetIndices() => IsDense ? default : _indices.AsSpan(0, _count);

    public void CopyTo(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length, _count);
        GetValues().CopyTo(editor.Values);
        if (!IsDense) GetIndices().CopyTo(editor.Indices);
        destination = editor.Commit();
    }

    public void CopyTo(ref VBuffer<T> destination, int sourceIndex, int length)
    {
        if (sourceIndex < 0 || sourceIndex > Length) throw new ArgumentOutOfRangeException(nameof(sourceIndex));
        if (length < 0 || length > Length - sourceIndex) throw new ArgumentOutOfRangeException(nameof(length));
        int first = sourceIndex, last = sourceIndex + length;
        if (!IsDense)
        {
            first = LowerBound(sourceIndex);
            last = LowerBound(sourceIndex + length);
        }
        var editor = VBufferEditor.Create(ref destination, length, last - first);
        _values.AsSpan(first, last - first).CopyTo(editor.Values);
        if (last - first < length)
            for (int i = first; i < last; i++) editor.Indices[i - first] = _indices[i] - sourceIndex;
        destination = editor.Commit();
    }

    public static void Copy(T[] source, int sourceIndex, ref VBuffer<T> destination, int length)
    {
        var editor = VBufferEditor.Create(ref destination, length);
        source.AsSpan(sourceIndex, length).CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public void CopyToDense(ref VBuffer<T> destination)
    {
        var editor = VBufferEditor.Create(ref destination, Length);
        CopyTo(editor.Values);
        destination = editor.Commit();
    }

    public void CopyTo(Span<T> destination) => CopyTo(destination, 0);

    public void CopyTo(Span<T> destination, int destinationIndex, T defaultValue = default)
    {
        if (destinationIndex < 0 || destinationIndex > destination.Length - Length)
            throw new ArgumentOutOfRangeException(nameof(destinationIndex));
        var target = destination.Slice(destinationIndex, Length);
        if (IsDense)
        {
            GetValues().CopyTo(target);
            return;
        }
        target.Fill(defaultValue);
        for (int i = 0; i < _count; i++) target[_indices[i]] = _values[i];
    }

    public IEnumerable<KeyValuePair<int, T>> Items(bool all = false)
    {
        int next = 0;
        for (int i = 0; i < _count; i++)
        {
            int index = IsDense ? i : _indices[i];
            for (; all && next < index; next++) yield return new KeyValuePair<int, T>(next, default);
            yield return new KeyValuePair<int, T>(index, _values[i]);
            next = index + 1;
        }
        for (; all && next < Length; next++) yield return new KeyValuePair<int, T>(next, default);
    }

    public IEnumerable<T> DenseValues() => Items(true).Select(item => item.Value);

    public IEnumerator GetEnumerator()
    {
        var values = new T[_count];
        GetValues().CopyTo(values);
        return values.GetEnumerator();
    }

    public void GetItemOrDefault(int index, ref T destination) => destination = GetItemOrDefault(index);

    public T GetItemOrDefault(int index)
    {
        if (index < 0 || index >= Length) throw new ArgumentOutOfRangeException(nameof(index));
        if (IsDense) return _values[index];
        int at = LowerBound(index);
        return at < _count && _indices[at] == index ? _values[at] : default;
    }

    public override string ToString() => IsDense
        ? $"Dense vector of size {Length}"
        : $"Sparse vector of size {Length}, {_count} explicit values";

    // The first place among the indices whose index is not below the given one.
    private int LowerBound(int index)
    {
        if (_count == 0) return 0;
        int at = Array.BinarySearch(_indices, 0, _count, index);
        return at < 0 ? ~at : at;
    }

    internal T[] RawValues => _values;

    internal int[] RawIndices => _indices;

    internal int ExplicitCount => _count;
}
