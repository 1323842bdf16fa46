using System.Reflection;
using Microsoft.ML;
using Microsoft.ML.Data;

namespace Ard.MLNet.Scoring;

/// <summary>The values of one source column for the rows of a batch.</summary>
internal abstract class ColumnBuffer
{
    private static readonly MethodInfo ScalarMethod = ((Delegate)Scalar<int>).Method.GetGenericMethodDefinition();
    private static readonly MethodInfo VectorMethod = ((Delegate)Vector<int>).Method.GetGenericMethodDefinition();

    public static ColumnBuffer Create(DataViewRow source, DataViewSchema.Column column, int capacity)
    {
        var method = column.Type is VectorDataViewType { ItemType.RawType: var item }
            ? VectorMethod.MakeGenericMethod(item)
            : ScalarMethod.MakeGenericMethod(column.Type.RawType);
        return method.CreateDelegate<Func<DataViewRow, DataViewSchema.Column, int, ColumnBuffer>>()(source, column, capacity);
    }

    /// <summary>Takes the value of the row where the source stands.</summary>
    public abstract void Read(int slot);

    /// <summary>A getter of the buffered values.</summary>
    public abstract Delegate Getter(Func<int> slot);

    private static ColumnBuffer Scalar<T>(DataViewRow source, DataViewSchema.Column column, int capacity) =>
        new ScalarBuffer<T>(source.GetGetter<T>(column), capacity);

    private static ColumnBuffer Vector<T>(DataViewRow source, DataViewSchema.Column column, int capacity) =>
        new VectorBuffer<T>(source.GetGetter<VBuffer<T>>(column), capacity);

    private sealed class ScalarBuffer<T>(ValueGetter<T> get, int capacity) : ColumnBuffer
    {
        private readonly T[] values = new T[capacity];

        public override void Read(int slot)
        {
            // Getters of images free what they find in the place that they fill, and that may still be in a consumer's hands.
            if (!typeof(T).IsValueType) values[slot] = default!;
            get(ref values[slot]);
        }

        public override Delegate Getter(Func<int> slot) => (ValueGetter<T>)((ref T value) => value = values[slot()]);
    }

    private sealed class VectorBuffer<T>(ValueGetter<VBuffer<T>> get, int capacity) : ColumnBuffer
    {
        private readonly VBuffer<T>[] values = new VBuffer<T>[capacity];

        public override void Read(int slot) => get(ref values[slot]);

        public override Delegate Getter(Func<int> slot) =>
            (ValueGetter<VBuffer<T>>)((ref VBuffer<T> value) => values[slot()].CopyTo(ref value));
    }
}
