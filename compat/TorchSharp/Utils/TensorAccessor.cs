using System.Collections;
using static TorchSharp.torch;

namespace TorchSharp.Utils;

/// <summary>The elements of a CPU tensor in logical order, through its strides.</summary>
public sealed unsafe class TensorAccessor<T> : IEnumerable<T>, IEnumerable, IDisposable where T : struct
{
    private readonly Tensor tensor;
    private readonly nint data;
    private readonly long[] shape, strides;

    internal TensorAccessor(Tensor tensor, nint data)
    {
        (this.tensor, this.data) = (tensor, data);
        (shape, strides) = (tensor.shape, tensor.stride());
        Count = tensor.NumberOfElements;
    }

    public long Count { get; }

    public bool IsReadOnly => false;

    public T this[params long[] indices]
    {
        get => At(Offset(indices));
        set => At(Offset(indices)) = value;
    }

    public T[] ToArray()
    {
        var result = new T[Count];
        CopyTo(result);
        return result;
    }

    public void CopyTo(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyTo(array.AsSpan(), arrayIndex, tensorIndex);

    public void CopyTo(Span<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        if (tensor.is_contiguous())
        {
            Contiguous(tensorIndex).CopyTo(array[arrayIndex..]);
            return;
        }
        for (long i = tensorIndex; i < Count; i++) array[arrayIndex++] = At(Offset(i));
    }

    public void CopyFrom(T[] array, int arrayIndex = 0, long tensorIndex = 0) => CopyFrom((ReadOnlySpan<T>)array, arrayIndex, tensorIndex);

    public void CopyFrom(ReadOnlySpan<T> array, int arrayIndex = 0, long tensorIndex = 0)
    {
        if (tensor.is_contiguous())
        {
            Span<T> to = Contiguous(tensorIndex);
            array.Slice(arrayIndex, Math.Min(to.Length, array.Length - arrayIndex)).CopyTo(to);
            return;
        }
        for (long i = tensorIndex; i < Count && arrayIndex < array.Length; i++) At(Offset(i)) = array[arrayIndex++];
    }

    public IEnumerator<T> GetEnumerator()
    {
        for (long i = 0; i < Count; i++) yield return Read(i);
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    public void Dispose() { }

    private T Read(long index) => At(Offset(index));

    private Span<T> Contiguous(long from) => new((byte*)data + from * tensor.ElementSize, checked((int)(Count - from)));

    private ref T At(long offset) => ref System.Runtime.CompilerServices.Unsafe.AsRef<T>((byte*)data + offset * tensor.ElementSize);

    private long Offset(long index)
    {
        long offset = 0;
        for (int d = shape.Length - 1; d >= 0; d--)
        {
            offset += index % shape[d] * strides[d];
            index /= shape[d];
        }
        return offset;
    }

    private long Offset(long[] indices)
    {
        if (indices.Length == 1 && shape.Length != 1) return Offset(indices[0]);
        long offset = 0;
        for (int d = 0; d < indices.Length; d++) offset += (indices[d] < 0 ? indices[d] + shape[d] : indices[d]) * strides[d];
        return offset;
    }
}
