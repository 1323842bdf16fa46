using System.Runtime.InteropServices;

namespace Ard.Trainers.Distributed;

/// <summary>What processes do together, made of sums and broadcasts. All of a group call the same, in the same order.</summary>
internal static class Collectives
{
    // How many values of a tensor are sent at a time, of eight bytes at most: a span holds 2^31 - 1.
    private const long Piece = 1 << 27;

    private const string Common = "ard.common";

    /// <summary>Each number of a tensor, float32 or float64 on any device, becomes the sum of those in its place.</summary>
    public static void Sum(this ProcessGroup group, Tensor values)
    {
        if (values.dtype is not (ScalarType.Float32 or ScalarType.Float64))
            throw new ArgumentException($"A sum of {values.dtype}: expected Float32 or Float64.", nameof(values));
        if (group.TakesDeviceMemory && values.is_contiguous() && values.numel() <= int.MaxValue) group.SumInPlace(values);
        else OnHost(group, values, piece =>
        {
            if (values.dtype == ScalarType.Float32) group.Sum(MemoryMarshal.Cast<byte, float>(piece.bytes));
            else group.Sum(MemoryMarshal.Cast<byte, double>(piece.bytes));
        });
    }

    /// <summary>All get the values that the process of rank 0 has, of any dtype and on any device.</summary>
    public static void Broadcast(this ProcessGroup group, Tensor values) => OnHost(group, values, piece => group.Broadcast(piece.bytes));

    /// <summary>All get the bytes that one process has, as many as there are; null where it has none.</summary>
    public static byte[]? BroadcastArray(this ProcessGroup group, byte[]? bytes, int root = 0)
    {
        if (group.Size == 1) return bytes;
        var length = BitConverter.GetBytes(bytes?.Length ?? -1);
        group.Broadcast(length, root);
        if (BitConverter.ToInt32(length) is var count && count < 0) return null;
        if (group.Rank != root) bytes = new byte[count];
        group.Broadcast(bytes!, root);
        return bytes;
    }

    /// <summary>Makes sure that all processes work on the same, by name; the message says who asks.</summary>
    /// <exception cref="ArgumentException">Something differs; the message names it.</exception>
    public static void RequireSame(this ProcessGroup group, string author, IReadOnlyDictionary<string, string> own)
    {
        if (group.Size == 1) return;
        var first = JsonSerializer.Deserialize<Dictionary<string, string>>(group.BroadcastArray(JsonSerializer.SerializeToUtf8Bytes(own)))!;
        group.Together(() =>
        {
            string[] differences =
            [
                .. own.Keys.Union(first.Keys).Where(name => own.GetValueOrDefault(name) != first.GetValueOrDefault(name)).Select(name =>
                    $"{name} is {own.GetValueOrDefault(name, "missing")}, in that of rank 0 {first.GetValueOrDefault(name, "missing")}"),
            ];
            if (differences.Length > 0)
                throw new ArgumentException(
                    $"{author}: expected the same in all processes; in that of rank {group.Rank} {string.Join("; ", differences)}.");
        });
    }

    public static bool Any(this ProcessGroup group, bool here)
    {
        double[] count = [here ? 1 : 0];
        group.Sum(count);
        return count[0] > 0;
    }

    /// <summary>
    /// Does what may fail in some of the processes, each for itself. Where it fails in any, none goes on: each throws what has failed in
    /// it, the others what has failed in the first.
    /// </summary>
    public static T Together<T>(this ProcessGroup group, Func<T> action)
    {
        if (group.Size == 1) return action();
        Exception? failure = null;
        T result = default!;
        try
        {
            result = action();
        }
        catch (Exception exception)
        {
            failure = exception;
        }
        group.Await();
        var failed = new double[group.Size];
        failed[group.Rank] = failure is null ? 0 : 1;
        group.Sum(failed);
        if (Array.IndexOf(failed, 1) is var first && first < 0) return result;

        (result as IDisposable)?.Dispose();
        var message = new byte[4096];
        if (group.Rank == first) Encoding.UTF8.GetEncoder().Convert(failure!.Message, message, true, out _, out _, out _);
        group.Broadcast(message, first);
        failure ??= new InvalidOperationException($"In the process of rank {first}: {Encoding.UTF8.GetString(message).TrimEnd('\0')}");
        failure.Data[Common] = true;
        throw failure;
    }

    public static void Together(this ProcessGroup group, Action action) => group.Together(() =>
    {
        action();
        return 0;
    });

    /// <summary>Whether it has been thrown in all processes, so that none waits for another.</summary>
    public static bool IsCommon(this Exception exception) => exception.Data.Contains(Common);

    private static void OnHost(ProcessGroup group, Tensor values, Action<Tensor> act)
    {
        if (group.Size == 1) return;
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var isHere = values.device.type == DeviceType.CPU && values.is_contiguous();
        var host = isHere ? values : values.cpu().contiguous();
        var flat = host.view(-1);
        for (long first = 0; first < flat.numel(); first += Piece) act(flat.narrow(0, first, Math.Min(Piece, flat.numel() - first)));
        if (!isHere) values.copy_(host);
    }
}
