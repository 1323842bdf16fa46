using System.Runtime.CompilerServices;
using TorchSharp.Modules;

namespace Ard.Trainers.Networks;

/// <summary>
/// A BatchNorm of a network whose weights stay as they are for a while, folded into the convolution before it, once, at its first pass:
/// with running statistics, norm(w * x) = (w · scale) * x - mean · scale + shift.
/// </summary>
internal sealed class FoldedNorm
{
    private static readonly ConditionalWeakTable<BatchNorm2d, FoldedNorm> All = [];
    private int users;
    private Tensor? weight;
    private Tensor? bias;

    /// <summary>Until the result is disposed of, passes in eval mode fold, and parameters and buffers must not change.</summary>
    public static IDisposable Fold(Module network)
    {
        FoldedNorm[] norms = [.. Layers(network).Select(All.GetOrCreateValue)];
        foreach (var norm in norms)
            lock (norm) norm.users++;
        return new PutBack(() =>
        {
            foreach (var norm in norms)
                lock (norm)
                    if (--norm.users == 0) norm.Clear();
        });
    }

    /// <summary>The weight and bias of both layers in one; null where they may change. They are the caller's.</summary>
    public static (Tensor Weight, Tensor Bias)? Find(Conv2d convolution, BatchNorm2d norm)
    {
        if (!All.TryGetValue(norm, out var folded)) return null;
        lock (folded)
        {
            if (folded.users == 0) return null;
            if (folded.weight?.IsOfTypeAndDeviceOf(convolution.weight) != true) folded.Compute(convolution, norm);
            return (folded.weight!.alias(), folded.bias!.alias());
        }
    }

    /// <summary>For one that learns all the same, in a network that changes its own mode.</summary>
    public static void Forget(BatchNorm2d norm)
    {
        if (!All.TryGetValue(norm, out var folded)) return;
        lock (folded) folded.Clear();
    }

    // Not of a network within a module of somebody's own, which may change it in its forward.
    private static IEnumerable<BatchNorm2d> Layers(Module network) => network switch
    {
        ImageNetwork => network.modules().OfType<BatchNorm2d>().Distinct(),
        TeacherEnsemble ensemble => ensemble.Teachers.SelectMany(Layers),
        _ => [],
    };

    private void Compute(Conv2d convolution, BatchNorm2d norm)
    {
        Clear();
        using var scope = NewDisposeScope();
        using var noGradient = no_grad();
        var scale = norm.running_var!.Plus(norm.eps).rsqrt_();
        if (norm.weight is { } gain) scale.mul_(gain);
        var shift = norm.running_mean!.neg().mul_(scale);
        if (norm.bias is { } added) shift.Add_(added);
        (weight, bias) = ((convolution.weight * scale.view(-1, 1, 1, 1)).DetachFromDisposeScope(), shift.DetachFromDisposeScope());
    }

    private void Clear()
    {
        weight?.Dispose();
        bias?.Dispose();
        (weight, bias) = (null, null);
    }
}
