using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text;
using static TorchSharp.torch;

namespace TorchSharp.Interop;

/// <summary>
/// Calls libtorch's operators by name: <c>Dispatch.Call("aten::add.Tensor", left, right, alpha)</c>. Arguments stand in the order of the
/// operator's schema; those left out at the end take the schema's defaults, in the middle <see cref="Arg.Default"/> does so.
/// </summary>
internal static unsafe class Dispatch
{
    private const int MostResults = 4;
    private static readonly ConcurrentDictionary<string, nint> Operators = new();

    /// <summary>An operator that returns one tensor.</summary>
    internal static Tensor Call(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(op, arguments, results);
        return Wrap(results[0]);
    }

    /// <summary>An operator that changes its first argument; returns that argument itself.</summary>
    internal static Tensor InPlace(string op, Tensor self, params ReadOnlySpan<Arg> arguments)
    {
        Span<Arg> all = [Arg.None, Arg.None, Arg.None, Arg.None, Arg.None, Arg.None, Arg.None, Arg.None];
        all[0] = self;
        arguments.CopyTo(all[1..]);
        Value* results = stackalloc Value[MostResults];
        int count = Invoke(op, all[..(arguments.Length + 1)], results);
        for (int i = 0; i < count; i++)
            if (results[i].Tag == Tag.Tensor && results[i].Bits != 0) Native.ard_tensor_free(results[i].Bits);
        return self;
    }

    internal static (Tensor, Tensor) Call2(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(op, arguments, results);
        return (Wrap(results[0]), Wrap(results[1]));
    }

    internal static (Tensor, Tensor, Tensor) Call3(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(op, arguments, results);
        return (Wrap(results[0]), Wrap(results[1]), Wrap(results[2]));
    }

    /// <summary>An operator that returns a list of tensors.</summary>
    internal static Tensor[] CallList(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(op, arguments, results);
        var handles = (long*)results[0].Bits;
        var tensors = new Tensor[results[0].Count];
        for (int i = 0; i < tensors.Length; i++) tensors[i] = new Tensor(handles[i]);
        Native.ard_free_array(handles);
        return tensors;
    }

    /// <summary>An operator that returns a truth value.</summary>
    internal static bool CallBool(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(op, arguments, results);
        return results[0].Bits != 0;
    }

    /// <summary>A number: int, double or truth value, as a Scalar.</summary>
    internal static Scalar CallScalar(string op, params ReadOnlySpan<Arg> arguments)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(op, arguments, results);
        return results[0].Tag switch
        {
            Tag.Double => BitConverter.Int64BitsToDouble(results[0].Bits),
            Tag.Bool => results[0].Bits != 0,
            _ => results[0].Bits,
        };
    }

    internal static Tensor Wrap(Value value) => value.Bits == 0 || value.Tag != Tag.Tensor ? null : new Tensor(value.Bits);

    private static int Invoke(string op, ReadOnlySpan<Arg> arguments, Value* results) =>
        Invoke(arguments, results, Operators.TryGetValue(op, out nint handle) ? handle : Find(op));

    /// <summary>
    /// Calls a method of a TorchScript module or a function of a compilation unit, which takes the same arguments as an operator.
    /// </summary>
    internal static Tensor CallScript(nint program, bool isUnit, string name, params ReadOnlySpan<Arg> arguments)
    {
        Value* results = stackalloc Value[MostResults];
        Invoke(arguments, results, program, name, isUnit);
        return Wrap(results[0]);
    }

    private static int Invoke(ReadOnlySpan<Arg> arguments, Value* results, nint target, string script = null, bool isUnit = false)
    {
        // Lists travel in one buffer, eight bytes an element.
        int words = 0;
        foreach (ref readonly Arg argument in arguments)
            words += argument.Reference is string text ? (Encoding.UTF8.GetMaxByteCount(text.Length) + 7) / 8
                : IsList(argument.Tag) ? argument.Count : 0;
        Span<long> buffer = words <= 128 ? stackalloc long[words] : new long[words];
        Value* values = stackalloc Value[arguments.Length];
        int count;
        fixed (long* lists = buffer)
        {
            int used = 0;
            for (int i = 0; i < arguments.Length; i++)
            {
                ref readonly Arg argument = ref arguments[i];
                values[i] = new Value { Tag = argument.Tag, Count = argument.Count, Bits = argument.Bits };
                if (!IsList(argument.Tag) && argument.Tag != Tag.String) continue;
                values[i].Bits = (long)(lists + used);
                Span<long> room = buffer[used..];
                switch (argument.Reference)
                {
                    case long[] numbers: numbers.CopyTo(room); break;
                    case double[] numbers: MemoryMarshal.Cast<double, long>(numbers).CopyTo(room); break;
                    case Tensor[] tensors:
                        for (int k = 0; k < tensors.Length; k++) room[k] = tensors[k] is null ? 0 : tensors[k].NativeHandle;
                        break;
                    case string text:
                        values[i].Count = Encoding.UTF8.GetBytes(text, MemoryMarshal.AsBytes(room));
                        used += (values[i].Count + 7) / 8;
                        break;
                }
                used += argument.Count;
            }
            Native.Check(script is null
                ? Native.ard_call(target, values, arguments.Length, results, MostResults, out count)
                : Native.ard_jit_call(target, isUnit ? 1 : 0, script, values, arguments.Length, results, MostResults, out count));
        }
        // The call above reads handles that these objects own.
        foreach (ref readonly Arg argument in arguments) GC.KeepAlive(argument.Reference);
        return count;
    }

    private static bool IsList(Tag tag) => tag is Tag.IntList or Tag.DoubleList or Tag.TensorList or Tag.OptionalTensorList;

    private static nint Find(string op)
    {
        int dot = op.IndexOf('.');
        Native.Check(Native.ard_operator(dot < 0 ? op : op[..dot], dot < 0 ? "" : op[(dot + 1)..], out nint handle));
        return Operators.GetOrAdd(op, handle);
    }
}
