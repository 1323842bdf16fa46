using System.Runtime.CompilerServices;

namespace Ard.Trainers.Tensors;

/// <summary>
/// Arithmetic of tensors and numbers, which holds every number for the time of the native call. TorchSharp's own conversion of a number
/// makes a <see cref="Scalar"/> that nothing holds: a collection on another thread frees it in the middle of the call, which then fails
/// with "Expected false to be true" or "Unknown scalar type" (dotnet/TorchSharp#1434). The operators are Plus, Minus, Times and Over
/// here; other members have TorchSharp's names, with a capital. BannedSymbols.txt makes what they replace an error of the build.
/// </summary>
/// <remarks>
/// What of TorchSharp makes such a number inside, although none is written or the one that is written is held: add and add_ (they scale
/// what is added by 1), so the sum of two tensors too; square (the power of 2); arange (from 0, in steps of 1); leaky_relu; the steps of
/// its optimizers, for which <c>Training/HeldOptimizers.cs</c> has others; BatchNorm in train mode, which counts the batches:
/// <c>Networks/Convolutions.cs</c> counts them itself; and a script module that is called with numbers, which here gets tensors only.
/// Members that take a number as a double, such as normal_, pad or nan_to_num, make none. A tensor is held by the dispose scope that it
/// was made in: all work on tensors has one.
/// </remarks>
internal static class Arithmetic
{
    private static readonly Scalar Zero = 0L.ToScalar();
    private static readonly Scalar One = 1L.ToScalar();
    private static readonly Scalar Two = 2L.ToScalar();

    // Operators.

    public static Tensor Plus(this Tensor x, Tensor y) => x.add(y, One);

    [OverloadResolutionPriority(1)]
    public static Tensor Plus(this Tensor x, Number y) { using var held = y.Hold(); return x.add(held, One); }

    public static Tensor Minus(this Tensor x, Number y) { using var held = y.Hold(); return x.sub(held); }
    public static Tensor Minus(this int x, Tensor y) => y.negative().Plus(x);
    public static Tensor Minus(this double x, Tensor y) => y.negative().Plus(x);
    public static Tensor Times(this Tensor x, Number y) { using var held = y.Hold(); return x.mul(held); }
    public static Tensor Over(this Tensor x, Number y) { using var held = y.Hold(); return x.div(held); }
    public static Tensor Over(this Tensor x, Number y, RoundingMode mode) { using var held = y.Hold(); return x.div(held, mode); }
    public static Tensor Over(this double x, Tensor y) => y.reciprocal().Times(x);

    /// <summary>x + alpha y.</summary>
    public static Tensor PlusScaled(this Tensor x, Tensor y, Number alpha) { using var held = alpha.Hold(); return x.add(y, held); }

    // In place.

    public static Tensor Add_(this Tensor x, Tensor y) => x.add_(y, One);

    [OverloadResolutionPriority(1)]
    public static Tensor Add_(this Tensor x, Number y) { using var held = y.Hold(); return x.add_(held, One); }

    /// <summary>x + alpha y.</summary>
    public static Tensor AddScaled_(this Tensor x, Tensor y, Number alpha) { using var held = alpha.Hold(); return x.add_(y, held); }

    public static Tensor Sub_(this Tensor x, Number y) { using var held = y.Hold(); return x.sub_(held); }
    public static Tensor Mul_(this Tensor x, Number y) { using var held = y.Hold(); return x.mul_(held); }
    public static Tensor Div_(this Tensor x, Number y) { using var held = y.Hold(); return x.div_(held); }
    public static Tensor Remainder_(this Tensor x, Number y) { using var held = y.Hold(); return x.remainder_(held); }

    /// <summary>x + a y z.</summary>
    public static Tensor Addcmul_(this Tensor x, Tensor y, Tensor z, Number a) { using var held = a.Hold(); return x.addcmul_(y, z, held); }

    /// <summary>x + a y / z.</summary>
    public static Tensor Addcdiv_(this Tensor x, Tensor y, Tensor z, Number a) { using var held = a.Hold(); return x.addcdiv_(y, z, held); }

    /// <summary>Adds the rows of y to the rows of x that the index names.</summary>
    public static Tensor IndexAdd_(this Tensor x, long dimension, Tensor index, Tensor y) => x.index_add_(dimension, index, y, One);

    public static Tensor MaskedFill_(this Tensor x, Tensor mask, Number y) { using var held = y.Hold(); return x.masked_fill_(mask, held); }

    // Powers and limits.

    public static Tensor Square(this Tensor x) => x.pow(Two);
    public static Tensor Pow(this Tensor x, Number y) { using var held = y.Hold(); return x.pow(held); }
    public static Tensor Clamp(this Tensor x, Number lo, Number hi) { using Scalar a = lo.Hold(), b = hi.Hold(); return x.clamp(a, b); }
    public static Tensor Clamp_(this Tensor x, Number lo, Number hi) { using Scalar a = lo.Hold(), b = hi.Hold(); return x.clamp_(a, b); }
    public static Tensor ClampMin(this Tensor x, Number min) { using var held = min.Hold(); return x.clamp_min(held); }
    public static Tensor ClampMin_(this Tensor x, Number min) { using var held = min.Hold(); return x.clamp_min_(held); }
    public static Tensor ClampMax(this Tensor x, Number max) { using var held = max.Hold(); return x.clamp_max(held); }
    public static Tensor MaskedFill(this Tensor x, Tensor mask, Number y) { using var held = y.Hold(); return x.masked_fill(mask, held); }
    public static Tensor LeakyRelu(this Tensor x, Number slope) { using var held = slope.Hold(); return x.leaky_relu(held); }

    // Comparisons, to bool.

    public static Tensor Eq(this Tensor x, Number y) { using var held = y.Hold(); return x.eq(held); }
    public static Tensor Ge(this Tensor x, Number y) { using var held = y.Hold(); return x.ge(held); }
    public static Tensor Gt(this Tensor x, Number y) { using var held = y.Hold(); return x.gt(held); }
    public static Tensor Le(this Tensor x, Number y) { using var held = y.Hold(); return x.le(held); }
    public static Tensor Lt(this Tensor x, Number y) { using var held = y.Hold(); return x.lt(held); }

    // New tensors.

    /// <summary>The whole numbers from 0 to before the end, int64.</summary>
    public static Tensor Arange(Number end, ScalarType? dtype = null, Device? device = null)
    {
        using var held = end.Hold();
        return arange(Zero, held, One, dtype, device);
    }

    public static Tensor Full(ReadOnlySpan<long> size, Number value, ScalarType? dtype = null, Device? device = null)
    {
        using var held = value.Hold();
        return full(size, held, dtype, device);
    }

    public static Tensor FullLike(Tensor like, Number value, ScalarType? dtype = null, Device? device = null)
    {
        using var held = value.Hold();
        return full_like(like, held, dtype, device);
    }

    public static Tensor NewFull(this Tensor like, ReadOnlySpan<long> size, Number value, ScalarType? dtype = null, Device? device = null)
    {
        using var held = value.Hold();
        return like.new_full(size, held, dtype, device);
    }
}

/// <summary>A number on its way to libtorch: whole or not, which decides the type of results.</summary>
internal readonly struct Number
{
    private readonly double real;
    private readonly long? whole;

    private Number(double real, long? whole) => (this.real, this.whole) = (real, whole);
    public static implicit operator Number(long value) => new(value, value);
    public static implicit operator Number(double value) => new(value, null);

    /// <summary>libtorch's own, which lives until it is disposed.</summary>
    public Scalar Hold() => whole is { } number ? number.ToScalar() : real.ToScalar();
}
