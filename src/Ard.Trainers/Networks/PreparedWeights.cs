using static TorchSharp.torch;
using static TorchSharp.torch.nn;

namespace Ard.Trainers.Networks;

/// <summary>
/// What linear layers make of their weights before they compute with them. Made anew in each call, so that it is never out of date; only
/// who asks a network many times while no weight of it changes, as one pass over data does, keeps it that long.
/// </summary>
internal sealed class PreparedWeights : IDisposable
{
    [ThreadStatic]
    private static PreparedWeights? kept;

    private readonly Dictionary<Module, (Tensor Weight, Tensor Bias)> layers = [];

    /// <summary>Those of a layer, in the caller's dispose scope unless they are kept.</summary>
    /// <param name="layer">The layer.</param>
    /// <param name="weight">Its weight; what is kept of another type or device is made anew.</param>
    /// <param name="prepare">Makes them.</param>
    public static (Tensor Weight, Tensor Bias) Of(Module layer, Tensor weight, Func<(Tensor Weight, Tensor Bias)> prepare)
    {
        if (kept is null || is_grad_enabled()) return prepare();
        if (kept.layers.TryGetValue(layer, out var found) && found.Weight.IsOfTypeAndDeviceOf(weight)) return found;
        if (kept.layers.Remove(layer)) Free(found);
        found = prepare();
        return kept.layers[layer] = (found.Weight.DetachFromDisposeScope(), found.Bias.DetachFromDisposeScope());
    }

    /// <summary>On this thread they are kept here, until the result is disposed.</summary>
    public IDisposable Keep() => new Keeping(this);

    public void Dispose()
    {
        foreach (var pair in layers.Values) Free(pair);
        layers.Clear();
    }

    private static void Free((Tensor Weight, Tensor Bias) pair)
    {
        pair.Weight.Dispose();
        pair.Bias.Dispose();
    }

    private sealed class Keeping : IDisposable
    {
        private readonly PreparedWeights? before = kept;

        public Keeping(PreparedWeights now) => kept = now;

        public void Dispose() => kept = before;
    }
}
