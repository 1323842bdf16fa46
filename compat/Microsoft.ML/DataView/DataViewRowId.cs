// Stands in for Microsoft.ML.DataView: the 128-bit identity of a row, kept by every transform of the rows.
namespace Microsoft.ML.Data;

public readonly struct DataViewRowId : IComparable<DataViewRowId>, IEquatable<DataViewRowId>
{
    public readonly ulong Low;
    public readonly ulong High;

    public DataViewRowId(ulong low, ulong high)
    {
        Low = low;
        High = high;
    }

    /// <summary>A new pseudo-random identity made from this one and another.</summary>
    public DataViewRowId Combine(DataViewRowId other) => new(
        Mix(Low ^ Mix(other.Low + 0x9E3779B97F4A7C15UL)),
        Mix(High ^ Mix(other.High + 0xC2B2AE3D27D4EB4FUL) + other.Low));

    public DataViewRowId Fork() => Combine(new DataViewRowId(1, 0));

    public DataViewRowId Next() => Combine(new DataViewRowId(0, 1));

    public bool Equals(DataViewRowId other) => Low == other.Low && High == other.High;

    public override bool Equals(object obj) => obj is DataViewRowId other && Equals(other);

    public int CompareTo(DataViewRowId other) => High != other.High ? High.CompareTo(other.High) : Low.CompareTo(other.Low);

    public override int GetHashCode() => (int)(Low ^ (Low >> 32) ^ (High << 7) ^ (High >> 25));

    public override string ToString() => $"{High:x16}{Low:x16}";

    // The finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection whose output bits depend on every input bit.
    internal static ulong Mix(ulong z)
    {
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9UL;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBUL;
        return z ^ (z >> 31);
    }
}
