using TorchSharp.Interop;
using static TorchSharp.torch;

namespace TorchSharp;

/// <summary>A number that an operator takes: integer, floating point or truth value. Here a plain managed value.</summary>
public sealed class Scalar : IDisposable
{
    private readonly long integer;
    private readonly double real;

    internal Scalar(ScalarType type, long integer, double real) => (Type, this.integer, this.real) = (type, integer, real);

    public ScalarType Type { get; }

    public static implicit operator Scalar(byte value) => new(ScalarType.Int64, value, value);
    public static implicit operator Scalar(sbyte value) => new(ScalarType.Int64, value, value);
    public static implicit operator Scalar(short value) => new(ScalarType.Int64, value, value);
    public static implicit operator Scalar(int value) => new(ScalarType.Int64, value, value);
    public static implicit operator Scalar(long value) => new(ScalarType.Int64, value, value);
    public static implicit operator Scalar(Half value) => new(ScalarType.Float64, (long)value, (double)value);
    public static implicit operator Scalar(float value) => new(ScalarType.Float64, (long)value, value);
    public static implicit operator Scalar(double value) => new(ScalarType.Float64, (long)value, value);
    public static implicit operator Scalar(bool value) => new(ScalarType.Bool, value ? 1 : 0, value ? 1 : 0);

    public void Dispose() { }

    internal double AsDouble => real;
    internal long AsInt64 => integer;

    internal Arg ToArg() => Type switch
    {
        ScalarType.Float64 => real,
        ScalarType.Bool => integer != 0,
        _ => integer,
    };
}

public static class ScalarExtensionMethods
{
    public static Scalar ToScalar(this byte value) => value;
    public static Scalar ToScalar(this sbyte value) => value;
    public static Scalar ToScalar(this short value) => value;
    public static Scalar ToScalar(this int value) => value;
    public static Scalar ToScalar(this long value) => value;
    public static Scalar ToScalar(this float value) => value;
    public static Scalar ToScalar(this double value) => value;
    public static Scalar ToScalar(this bool value) => value;

    public static float ToSingle(this Scalar value) => (float)value.AsDouble;
    public static double ToDouble(this Scalar value) => value.AsDouble;
    public static int ToInt32(this Scalar value) => (int)value.AsInt64;
    public static long ToInt64(this Scalar value) => value.AsInt64;
    public static bool ToBoolean(this Scalar value) => value.AsDouble != 0;
}
