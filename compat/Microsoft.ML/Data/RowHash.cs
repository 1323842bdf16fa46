// A number in [0, 1) for every row, uniform over rows and the same at every reading: what splits and samples are made by.
namespace Microsoft.ML.Data;

internal sealed class RowHash
{
    private readonly ulong _salt;
    private readonly DataViewSchema.Column? _key;

    private RowHash(ulong salt, DataViewSchema.Column? key)
    {
        _salt = salt;
        _key = key;
    }

    /// <summary>The number depends on the key column's value where one is named, so that equal keys stay together; else on the row's
    /// identity.</summary>
    public static RowHash For(DataViewSchema schema, string samplingKeyColumnName, int seed) =>
        new((ulong)seed, samplingKeyColumnName == null
        ? null
        : schema.GetColumnOrNull(samplingKeyColumnName)
            ?? throw SchemaErrors.Missing("SamplingKeyColumn", samplingKeyColumnName, "samplingKeyColumn"));

    public IEnumerable<int> Inputs => _key is { } key ? new[] { key.Index } : Array.Empty<int>();

    public Func<double> Over(DataViewRow row) => _key is not { } key
        ? OfIds(row, _salt)
        : key.Type is TextDataViewType
            ? OfTexts(row, key)
            : (Func<double>)Internal.Generic.Invoke(this, nameof(OfValues), key.Type.RawType, row, key);

    public static Func<double> OfIds(DataViewRow row, ulong salt)
    {
        var get = row.GetIdGetter();
        var salted = new DataViewRowId(salt, ~salt);
        DataViewRowId id = default;
        return () =>
        {
            get(ref id);
            return ToUnit(id.Combine(salted).Low);
        };
    }

    private Func<double> OfTexts(DataViewRow row, DataViewSchema.Column column)
    {
        var get = row.GetGetter<ReadOnlyMemory<char>>(column);
        ReadOnlyMemory<char> text = default;
        return () =>
        {
            get(ref text);
            ulong hash = _salt;
            foreach (char c in text.Span) hash = DataViewRowId.Mix(hash + c + 1);
            return ToUnit(DataViewRowId.Mix(hash));
        };
    }

    // The hash codes of numbers, booleans and times are functions of the value alone.
    private Func<double> OfValues<T>(DataViewRow row, DataViewSchema.Column column)
    {
        if (column.Type is not PrimitiveDataViewType)
            throw new InvalidOperationException($"Column '{column.Name}' of type {column.Type} cannot be a sampling key.");
        var get = row.GetGetter<T>(column);
        T value = default;
        return () =>
        {
            get(ref value);
            return ToUnit(DataViewRowId.Mix(_salt + (ulong)(uint)EqualityComparer<T>.Default.GetHashCode(value) * 0x9E3779B97F4A7C15UL));
        };
    }

    private static double ToUnit(ulong bits) => (bits >> 11) * (1.0 / (1UL << 53));
}
