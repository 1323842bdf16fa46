// Conversions between the values of primitive types, as the library defines them.
using System.Globalization;
using System.Numerics;

namespace Microsoft.ML.Data;

internal delegate void ValueMapper<TSource, TDestination>(in TSource source, ref TDestination destination);

internal static class Conversions
{
    /// <summary>The mapper from one raw type to the other, a <see cref="ValueMapper{TSource, TDestination}"/>; null when there is
    /// none.</summary>
    public static Delegate Find(Type source, Type destination)
    {
        if (source == destination) return (Delegate)Internal.Generic.Invoke(typeof(Conversions), nameof(Identity), source);
        if (source == typeof(ReadOnlyMemory<char>)) return FromText(destination);
        if (destination == typeof(ReadOnlyMemory<char>)) return ToText(source);
        if (source == typeof(bool)) return IsSigned(destination) || IsReal(destination) ? Make(nameof(FromBool), destination) : null;
        if (destination == typeof(bool)) return IsInteger(source) || IsReal(source) ? Make(nameof(ToBool), source) : null;
        if (!IsInteger(source) && !IsReal(source)) return null;
        if (IsReal(destination)) return Make(nameof(Number), source, destination);
        if (IsSigned(source) && IsSigned(destination)) return Make(nameof(Number), source, destination);
        if (IsUnsigned(source) && IsUnsigned(destination)) return Make(nameof(NarrowUnsigned), source, destination);
        return null;
    }

    private static Delegate Make(string method, params Type[] types) =>
        (Delegate)Internal.Generic.Invoke(typeof(Conversions), null, method, types);

    private static bool IsSigned(Type t) => t == typeof(sbyte) || t == typeof(short) || t == typeof(int) || t == typeof(long);

    private static bool IsUnsigned(Type t) => KeyDataViewType.IsValidDataType(t);

    private static bool IsInteger(Type t) => IsSigned(t) || IsUnsigned(t);

    private static bool IsReal(Type t) => t == typeof(float) || t == typeof(double);

    private static ValueMapper<T, T> Identity<T>() => (in T source, ref T destination) => destination = source;

    private static ValueMapper<TSource, TDestination> Number<TSource, TDestination>()
        where TSource : INumberBase<TSource> where TDestination : INumberBase<TDestination> =>
        (in TSource source, ref TDestination destination) => destination = TDestination.CreateTruncating(source);

    // A value too large for the narrower unsigned type is 0, the missing key.
    private static ValueMapper<TSource, TDestination> NarrowUnsigned<TSource, TDestination>()
        where TSource : IBinaryInteger<TSource> where TDestination : IBinaryInteger<TDestination>, IMinMaxValue<TDestination> =>
        (in TSource source, ref TDestination destination) =>
            destination = ulong.CreateTruncating(source) > ulong.CreateTruncating(TDestination.MaxValue)
                ? TDestination.Zero
                : TDestination.CreateTruncating(source);

    private static ValueMapper<bool, T> FromBool<T>() where T : INumberBase<T> =>
        (in bool source, ref T destination) => destination = source ? T.One : T.Zero;

    private static ValueMapper<T, bool> ToBool<T>() where T : INumberBase<T> =>
        (in T source, ref bool destination) => destination = !T.IsZero(source);

    private static Delegate ToText(Type source)
    {
        if (source == typeof(float)) return TextOf<float>(v => v.ToString("G7", CultureInfo.InvariantCulture));
        if (source == typeof(double)) return TextOf<double>(v => v.ToString("G17", CultureInfo.InvariantCulture));
        if (source == typeof(bool)) return TextOf<bool>(v => v ? "True" : "False");
        return IsInteger(source) ? Make(nameof(IntegerToText), source) : null;
    }

    private static ValueMapper<T, ReadOnlyMemory<char>> IntegerToText<T>() where T : IFormattable =>
        TextOf<T>(v => v.ToString(null, CultureInfo.InvariantCulture));

    private static ValueMapper<T, ReadOnlyMemory<char>> TextOf<T>(Func<T, string> format) =>
        (in T source, ref ReadOnlyMemory<char> destination) => destination = format(source).AsMemory();

    private static Delegate FromText(Type destination)
    {
        if (destination == typeof(bool))
            return (ValueMapper<ReadOnlyMemory<char>, bool>)((in ReadOnlyMemory<char> text, ref bool value) =>
                value = ParseBool(text.Span));
        if (IsReal(destination)) return Make(nameof(RealFromText), destination);
        if (IsUnsigned(destination)) return Make(nameof(UnsignedFromText), destination);
        return IsSigned(destination) ? Make(nameof(SignedFromText), destination) : null;
    }

    private static bool ParseBool(ReadOnlySpan<char> text) =>
        text.Equals("1", StringComparison.Ordinal) || text.Equals("T", StringComparison.OrdinalIgnoreCase)
            || text.Equals("true", StringComparison.OrdinalIgnoreCase)
        || text.Equals("Y", StringComparison.OrdinalIgnoreCase) || text.Equals("yes", StringComparison.OrdinalIgnoreCase);

    private const NumberStyles RealStyle = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;

    // Empty text is 0, other text that is no number is not a number.
    private static ValueMapper<ReadOnlyMemory<char>, T> RealFromText<T>() where T : IFloatingPointIeee754<T> =>
        (in ReadOnlyMemory<char> text, ref T value) =>
            value = text.IsEmpty ? T.Zero : T.TryParse(text.Span, RealStyle, CultureInfo.InvariantCulture, out var parsed) ? parsed : T.NaN;

    private static ValueMapper<ReadOnlyMemory<char>, T> UnsignedFromText<T>() where T : IBinaryInteger<T> =>
        (in ReadOnlyMemory<char> text, ref T value) =>
            value = T.TryParse(text.Span, NumberStyles.None, CultureInfo.InvariantCulture, out var parsed) ? parsed : T.Zero;

    private static ValueMapper<ReadOnlyMemory<char>, T> SignedFromText<T>() where T : IBinaryInteger<T> =>
        (in ReadOnlyMemory<char> text, ref T value) =>
        {
            if (text.IsEmpty) value = T.Zero;
            else if (!T.TryParse(text.Span, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out value))
                throw new InvalidOperationException($"Value could not be parsed from text '{text}' to {typeof(T).Name}.");
        };

    /// <summary>Whether a value is the missing value of its type: empty text, NaN, key 0.</summary>
    public static Func<T, bool> IsMissing<T>(DataViewType type)
    {
        if (typeof(T) == typeof(ReadOnlyMemory<char>)) return (Func<T, bool>)(object)new Func<ReadOnlyMemory<char>,
            bool>(text => text.IsEmpty);
        if (typeof(T) == typeof(float)) return (Func<T, bool>)(object)new Func<float, bool>(float.IsNaN);
        if (typeof(T) == typeof(double)) return (Func<T, bool>)(object)new Func<double, bool>(double.IsNaN);
        if (type is KeyDataViewType) return value => EqualityComparer<T>.Default.Equals(value, default);
        return _ => false;
    }

    /// <summary>The missing value of the type, or its default where it has none.</summary>
    public static T Missing<T>() =>
        typeof(T) == typeof(float) ? (T)(object)float.NaN : typeof(T) == typeof(double) ? (T)(object)double.NaN : default;
}
